import { SkeinError } from "@skein/errors";

/** S3's limit for a key; file storage keeps to it so that a store can be moved. */
const KEY_BYTES_MAX = 1024;
/** The longest file name that Linux and macOS take. */
const SEGMENT_BYTES_MAX = 255;
/** Where file storage keeps what is still being written. */
export const STAGING_FOLDER = ".staging";

/** Joins root and key; the inverse of `keyOf`. */
export const uriOf = (rootUri: string, key: string): string => `${rootUri}/${key}`;

/** The key of a URI below `rootUri`, proven to stay below it. */
export function keyOf(rootUri: string, uri: string): string {
  if (!uri.startsWith(`${rootUri}/`)) {
    throw refused(uri, `it is not below the configured storage ${rootUri}`);
  }
  return checkKey(uri.slice(rootUri.length + 1), uri);
}

/** Joins `segments` to a key, proven to stay below the root. */
export const joinKey = (segments: readonly string[]): string => checkKey(segments.join("/"), segments.join("/"));

function checkKey(key: string, shown: string): string {
  const segments = key.split("/");
  const control = [...key].some((character) => character < " " || character === "\u007f");
  if (control) throw refused(shown, "it holds a control character");
  if (key.includes("\\")) throw refused(shown, "it holds a backslash");
  if (segments[0] === STAGING_FOLDER) throw refused(shown, `${STAGING_FOLDER} is reserved`);
  for (const segment of segments) {
    if (segment === "") throw refused(shown, "it has an empty path segment");
    if (segment === "." || segment === "..") throw refused(shown, `it has the path segment "${segment}"`);
    if (Buffer.byteLength(segment) > SEGMENT_BYTES_MAX) {
      throw refused(shown, `a path segment is longer than ${SEGMENT_BYTES_MAX} bytes`);
    }
  }
  if (Buffer.byteLength(key) > KEY_BYTES_MAX) throw refused(shown, `it is longer than ${KEY_BYTES_MAX} bytes`);
  return key;
}

const refused = (shown: string, why: string): SkeinError =>
  new SkeinError(
    "invalid_argument",
    "storage_path_invalid",
    `Storage path ${JSON.stringify(shown)} is refused: ${why}.`,
  );

/** The error of every store for an object that is not there. */
export const objectNotFound = (uri: string, cause?: unknown): SkeinError =>
  new SkeinError("not_found", "object_not_found", `There is no object at ${uri}.`, { cause });

/** The error of `get` for an object that is larger than its caller can take. */
export const objectTooLarge = (uri: string, bytesMax: number): SkeinError =>
  new SkeinError("resource_exhausted", "object_too_large", `The object at ${uri} is larger than ${bytesMax} bytes.`);
