import type { UriRewrite } from "./literal-uris.ts";

const FILE_SCHEME = "file://";

/** A `file://` URI as the path that it names; other URIs as they are. */
export const localPath = (uri: string): string => (uri.startsWith(FILE_SCHEME) ? uri.slice(FILE_SCHEME.length) : uri);

/**
 * For values on their way into a task. flytekit looks for a file under the very text of its URI unless that is remote, so
 * tasks get plain paths.
 */
export function toLocalPaths(rootUri: string): UriRewrite {
  const isOfStorage = (text: string) => rootUri.startsWith(FILE_SCHEME) && text.startsWith(`${rootUri}/`);
  return { uri: localPath, text: (text) => (isOfStorage(text) ? localPath(text) : text) };
}

/** Where a task's own words lead, for those who do not see its folders. */
export interface TaskPlaces {
  readonly rootUri: string;
  /** The folder that the task leaves its outputs in, and where they go from there. */
  readonly out: string;
  readonly outputPrefix: string;
}

/** The way back: everybody else knows files of the storage by their URI. */
export function toStorageUris({ rootUri, out, outputPrefix }: TaskPlaces): UriRewrite {
  const root = rootUri.startsWith(FILE_SCHEME) ? localPath(rootUri) : undefined;
  const text = (path: string) => (root !== undefined && path.startsWith(`${root}/`) ? `${FILE_SCHEME}${path}` : path);
  return {
    uri: (path) => (path.startsWith(`${out}/`) ? `${outputPrefix}${path.slice(out.length)}` : text(path)),
    text,
  };
}
