import type { Literal, LiteralMap } from "@skein/idl/core";

const FILE_SCHEME = "file://";

/** A `file://` URI as the path that it names; other URIs as they are. */
export const localPath = (uri: string): string => (uri.startsWith(FILE_SCHEME) ? uri.slice(FILE_SCHEME.length) : uri);

/** flytekit looks for a file under the very text of its URI unless that is remote, so tasks get plain paths. */
export const useLocalPaths = (map: LiteralMap): void => rewriteUris(map, localPath);

/** The way back: everybody else knows files of the storage by their URI. */
export function useStorageUris(map: LiteralMap, rootUri: string): void {
  const root = localPath(rootUri);
  rewriteUris(map, (uri) => (uri.startsWith(`${root}/`) ? `${FILE_SCHEME}${uri}` : uri));
}

function rewriteUris(map: LiteralMap, rewrite: (uri: string) => string): void {
  for (const literal of Object.values(map.literals)) rewriteLiteral(literal, rewrite);
}

function rewriteLiteral({ value }: Literal, rewrite: (uri: string) => string): void {
  if (value.case === "map") rewriteUris(value.value, rewrite);
  if (value.case === "collection") {
    for (const item of value.value.literals) rewriteLiteral(item, rewrite);
  }
  if (value.case !== "scalar") return;
  const scalar = value.value.value;
  if (scalar.case === "union" && scalar.value.value) rewriteLiteral(scalar.value.value, rewrite);
  if (scalar.case === "blob" || scalar.case === "schema" || scalar.case === "structuredDataset") {
    scalar.value.uri = rewrite(scalar.value.uri);
  }
}
