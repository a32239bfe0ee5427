import type { Literal, Scalar } from "@skein/idl/core";

/**
 * Where the objects lie that a literal names: blobs, schemas, structured datasets and offloaded literals, at whatever depth.
 * URIs inside of msgpack and of text are text.
 */
export function artifactUris({ value }: Literal): string[] {
  switch (value.case) {
    case "scalar":
      return urisOfScalar(value.value);
    case "collection":
      return value.value.literals.flatMap(artifactUris);
    case "map":
      return Object.values(value.value.literals).flatMap(artifactUris);
    case "offloadedMetadata":
      return [value.value.uri];
    default:
      return [];
  }
}

function urisOfScalar({ value }: Scalar): string[] {
  switch (value.case) {
    case "blob":
    case "schema":
    case "structuredDataset":
      return [value.value.uri];
    case "union":
      return value.value.value ? artifactUris(value.value.value) : [];
    default:
      return [];
  }
}
