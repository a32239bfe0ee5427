import type { BindingData, Literal, LiteralMap, LiteralOffloadedMetadata, Scalar } from "@skein/idl/core";
import { rewriteJsonStrings, rewriteMsgpackStrings } from "./packed-strings.ts";

/** How URIs change at the border between a task and everybody else. */
export interface UriRewrite {
  /** Of a value that is a URI by its type. */
  readonly uri: (uri: string) => string;
  /** Of any text inside a msgpack or JSON object, where nothing says which texts are URIs. */
  readonly text: (text: string) => string;
}

/** Changes every URI of a literal map in place. */
export function rewriteUris(map: Pick<LiteralMap, "literals">, rewrite: UriRewrite): void {
  for (const literal of Object.values(map.literals)) rewriteLiteral(literal, rewrite);
}

/** The same for a value that is bound to an input. */
export function rewriteBinding(binding: BindingData | undefined, rewrite: UriRewrite): void {
  const { value } = binding ?? {};
  if (value?.case === "scalar") rewriteScalar(value.value, rewrite);
  if (value?.case === "offloadedMetadata") rewriteOffloaded(value.value, rewrite);
  if (value?.case === "collection") for (const item of value.value.bindings) rewriteBinding(item, rewrite);
  if (value?.case === "map") for (const item of Object.values(value.value.bindings)) rewriteBinding(item, rewrite);
}

function rewriteLiteral({ value }: Literal, rewrite: UriRewrite): void {
  if (value.case === "map") rewriteUris(value.value, rewrite);
  if (value.case === "collection") for (const item of value.value.literals) rewriteLiteral(item, rewrite);
  if (value.case === "offloadedMetadata") rewriteOffloaded(value.value, rewrite);
  if (value.case === "scalar") rewriteScalar(value.value, rewrite);
}

function rewriteScalar({ value: scalar }: Scalar, rewrite: UriRewrite): void {
  switch (scalar.case) {
    case "union":
      if (scalar.value.value) rewriteLiteral(scalar.value.value, rewrite);
      return;
    case "blob":
    case "schema":
    case "structuredDataset":
      scalar.value.uri = rewrite.uri(scalar.value.uri);
      return;
    case "binary":
      if (scalar.value.tag === "msgpack") scalar.value.value = rewriteMsgpackStrings(scalar.value.value, rewrite.text);
      return;
    case "generic":
      scalar.value = rewriteJsonStrings(scalar.value, rewrite.text);
  }
}

function rewriteOffloaded(offloaded: LiteralOffloadedMetadata, rewrite: UriRewrite): void {
  offloaded.uri = rewrite.uri(offloaded.uri);
}
