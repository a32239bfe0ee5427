import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { GraphNode, NodeTarget } from "@skein/engine";
import { toBytes } from "@skein/idl";
import {
  LiteralMapSchema,
  type LiteralSchema,
  type LiteralTypeSchema,
  SimpleType,
  TaskTemplateSchema,
} from "@skein/idl/core";
import { describe, expect, test } from "vitest";
import { artifactLinks } from "./artifact-links.ts";

type Literal = MessageInitShape<typeof LiteralSchema>;
type Type = MessageInitShape<typeof LiteralTypeSchema>;

const blob = (uri: string): Literal => ({
  value: { case: "scalar", value: { value: { case: "blob", value: { uri } } } },
});
const text = (stringValue: string): Literal => ({
  value: {
    case: "scalar",
    value: { value: { case: "primitive", value: { value: { case: "stringValue", value: stringValue } } } },
  },
});
const listOf = (...literals: Literal[]): Literal => ({ value: { case: "collection", value: { literals } } });
const mapOf = (literals: Record<string, Literal>): Literal => ({ value: { case: "map", value: { literals } } });
const union = (value: Literal): Literal => ({
  value: { case: "scalar", value: { value: { case: "union", value: { value } } } },
});
const offloaded = (uri: string): Literal => ({ value: { case: "offloadedMetadata", value: { uri } } });

const BLOB: Type = { type: { case: "blob", value: {} } };
const STRING: Type = { type: { case: "simple", value: SimpleType.STRING } };
const lists = (value: Type): Type => ({ type: { case: "collectionType", value } });
const maps = (value: Type): Type => ({ type: { case: "mapValueType", value } });
const unions = (...variants: Type[]): Type => ({ type: { case: "unionType", value: { variants } } });

function taskOf(types: Record<string, Type>): NodeTarget {
  const variables = Object.fromEntries(Object.entries(types).map(([name, type]) => [name, { type }]));
  const template = create(TaskTemplateSchema, { interface: { inputs: { variables }, outputs: { variables } } });
  return { kind: "task", task: { template } } as NodeTarget;
}

const nodeOf = (target: NodeTarget) => ({ target }) as GraphNode;
const arrayOf = (target: NodeTarget) =>
  nodeOf({ kind: "array", array: { node: nodeOf(target) } } as unknown as NodeTarget);

const links = (node: GraphNode, literals: Record<string, Literal>, side: "inputs" | "outputs" = "outputs") =>
  artifactLinks(node, { ordinal: 3, side, bytes: toBytes(LiteralMapSchema, create(LiteralMapSchema, { literals })) });
const uris = (node: GraphNode, literals: Record<string, Literal>, side?: "inputs" | "outputs") =>
  links(node, literals, side).map(({ variable, uri }) => `${variable}=${uri}`);

describe("the objects in a task's values", () => {
  test("are blobs, schemas and structured datasets, under the name of their variable", () => {
    const node = nodeOf(taskOf({ f: BLOB, d: { type: { case: "structuredDatasetType", value: {} } }, s: STRING }));
    const literals = {
      f: blob("s3://b/f"),
      d: { value: { case: "scalar", value: { value: { case: "structuredDataset", value: { uri: "s3://b/d" } } } } },
      s: text("s3://b/this-is-text"),
    } satisfies Record<string, Literal>;
    expect(uris(node, literals).sort()).toEqual(["d=s3://b/d", "f=s3://b/f"]);
    expect(links(node, { f: blob("s3://b/f") }, "inputs")).toEqual([
      { ordinal: 3, side: "inputs", uri: "s3://b/f", variable: "f" },
    ]);
  });

  test("are found inside of lists, maps and unions, each once", () => {
    const node = nodeOf(taskOf({ x: lists(maps(unions(STRING, BLOB))) }));
    const x = listOf(
      mapOf({ a: union(blob("s3://b/1")), b: union(text("no")) }),
      mapOf({ a: union(blob("s3://b/1")) }),
    );
    expect(uris(node, { x })).toEqual(["x=s3://b/1"]);
  });

  test("are offloaded literals of whatever type", () => {
    expect(uris(nodeOf(taskOf({ s: STRING })), { s: offloaded("s3://b/o") })).toEqual(["s=s3://b/o"]);
  });

  test("are not what Postgres or an index could not hold", () => {
    const node = nodeOf(taskOf({ x: lists(BLOB) }));
    expect(uris(node, { x: listOf(blob(""), blob("a\u0000b"), blob(`s3://${"x".repeat(5_000)}`)) })).toEqual([]);
    const many = Array.from({ length: 1_200 }, (_, index) => blob(`s3://b/${index}`));
    expect(links(node, { x: listOf(...many) })).toHaveLength(1_000);
  });
});

test("a map's inputs are those of its items, its outputs are theirs already", () => {
  const node = arrayOf(taskOf({ f: BLOB }));
  expect(uris(node, { f: listOf(blob("s3://b/1"), blob("s3://b/2")) }, "inputs")).toEqual(["f=s3://b/1", "f=s3://b/2"]);
  expect(uris(node, { f: listOf(blob("s3://b/1")) }, "outputs")).toEqual([]);
});

test("actions that only pass values on make and use nothing, and no bytes are read for them or for plain types", () => {
  const broken = { ordinal: 1, side: "outputs", bytes: new Uint8Array([255, 255]) } as const;
  expect(artifactLinks(nodeOf({ kind: "workflow", graphKey: "w" }), broken)).toEqual([]);
  expect(artifactLinks(nodeOf(taskOf({ s: STRING })), broken)).toEqual([]);
});
