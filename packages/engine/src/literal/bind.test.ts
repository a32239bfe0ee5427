import { create, type JsonObject, type MessageInitShape } from "@bufbuild/protobuf";
import { fromBytes } from "@skein/idl";
import {
  BindingDataSchema,
  BindingSchema,
  type LiteralMap,
  LiteralMapSchema,
  type LiteralSchema,
  LiteralTypeSchema,
} from "@skein/idl/core";
import { expect, test } from "vitest";
import { INTEGER, integer, promiseOf } from "../../test/closures.ts";
import { type BindResult, bindInputs, decodeLiteralMap } from "./bind.ts";

type LiteralInit = MessageInitShape<typeof LiteralSchema>;
type BindingInit = MessageInitShape<typeof BindingDataSchema>;

const TASK = { kind: "end" } as const;
const readOffloaded = () => undefined;

const produced = (value: LiteralInit): LiteralMap => create(LiteralMapSchema, { literals: { x: value } });

function bind(binding: BindingInit | undefined, from: LiteralMap = produced(integer(3)), nodeId = "n0"): BindResult {
  const bindings = [
    {
      $typeName: "flyteidl.core.Binding" as const,
      var: "y",
      ...(binding ? { binding: create(BindingDataSchema, binding) } : {}),
    },
  ];
  const read = (asked: string) => (asked === nodeId ? from : undefined);
  return bindInputs({ bindings, unionTypes: new Map(), target: TASK }, { read, readOffloaded });
}

function bound(binding: BindingInit, from?: LiteralMap, nodeId?: string): LiteralInit | undefined {
  const result = bind(binding, from, nodeId);
  if ("failure" in result) throw new Error(result.failure.message);
  return fromBytes(LiteralMapSchema, result.bytes).literals.y;
}

function failureOf(binding: BindingInit | undefined, from?: LiteralMap): string {
  const result = bind(binding, from);
  if (!("failure" in result)) return "";
  expect(result.failure).toMatchObject({ code: "BindingResolutionFailure", kind: "system", recoverable: false });
  return result.failure.message;
}

const scalar = (
  value: NonNullable<Extract<LiteralInit["value"], { case: "scalar" }>["value"]["value"]>,
): LiteralInit => ({
  value: { case: "scalar", value: { value } },
});
const text = (value: string) => scalar({ case: "primitive", value: { value: { case: "stringValue", value } } });
const float = (value: number) => scalar({ case: "primitive", value: { value: { case: "floatValue", value } } });
const bool = (value: boolean) => scalar({ case: "primitive", value: { value: { case: "boolean", value } } });
const msgpack = (...bytes: number[]) =>
  scalar({ case: "binary", value: { tag: "msgpack", value: Uint8Array.from(bytes) } });
const struct = (value: JsonObject) => scalar({ case: "generic", value });
const list = (...literals: LiteralInit[]): LiteralInit => ({ value: { case: "collection", value: { literals } } });
const map = (literals: Record<string, LiteralInit>): LiteralInit => ({ value: { case: "map", value: { literals } } });
const NONE = scalar({ case: "noneType", value: {} });

test("scalars, collections, maps and promises become literals", () => {
  const seven: BindingInit = {
    value: {
      case: "scalar",
      value: { value: { case: "primitive", value: { value: { case: "integer", value: 7n } } } },
    },
  };
  expect(bound(seven)).toMatchObject(integer(7));
  expect(bound(promiseOf("n0"))).toMatchObject(integer(3));
  expect(bound(promiseOf(""), produced(integer(4)), "")).toMatchObject(integer(4));
  expect(bound({ value: { case: "collection", value: { bindings: [seven, promiseOf("n0")] } } })).toMatchObject(
    list(integer(7), integer(3)),
  );
  expect(bound({ value: { case: "map", value: { bindings: { k: promiseOf("n0") } } } })).toMatchObject(
    map({ k: integer(3) }),
  );
  expect(bound({ value: { case: "offloadedMetadata", value: { uri: "s3://b/k" } } })).toMatchObject({
    value: { case: "offloadedMetadata", value: { uri: "s3://b/k" } },
  });
});

test("int64 stays exact, and hash, metadata and fields that we do not know are passed on", () => {
  const unknown = { no: 99, wireType: 0 as const, data: Uint8Array.of(5) };
  const literal = { ...integer(2n ** 62n + 1n), hash: "h", metadata: { m: "1" } };
  const from = produced(literal);
  Object.assign(from.literals.x ?? {}, { $unknown: [unknown] });
  const result = bound(promiseOf("n0"), from);
  expect(result).toMatchObject(literal);
  expect(result).toHaveProperty("$unknown.0.no", 99);
});

test("an input whose declared type holds a union is wrapped", () => {
  const type = create(LiteralTypeSchema, { type: { case: "unionType", value: { variants: [INTEGER] } } });
  const bindings = [create(BindingSchema, { var: "y", binding: promiseOf("n0") })];
  const read = () => produced(integer(3));
  const result = bindInputs({ bindings, unionTypes: new Map([["y", type]]), target: TASK }, { read, readOffloaded });
  const literal = "bytes" in result ? fromBytes(LiteralMapSchema, result.bytes).literals.y : undefined;
  expect(literal).toMatchObject(scalar({ case: "union", value: { value: integer(3), type: INTEGER } }));
});

test("a path leads through literal maps, collections and unions", () => {
  const from = produced(
    map({ k: list(integer(1), scalar({ case: "union", value: { value: map({ u: text("deep") }) } })) }),
  );
  expect(bound(promiseOf("n0", "x", "k", 1, "u"), from)).toMatchObject(text("deep"));
});

/** {"a": 5, "f": 5.0, "s": "t", "l": [1, 5.0], "o": {1: nil}, "b": true, "n": nil, "m": -1} */
const packed = msgpack(
  ...[0x88, 0xa1, 0x61, 5, 0xa1, 0x66, 0xcb, 0x40, 0x14, 0, 0, 0, 0, 0, 0, 0xa1, 0x73, 0xa1, 0x74],
  ...[0xa1, 0x6c, 0x92, 1, 0xcb, 0x40, 0x14, 0, 0, 0, 0, 0, 0, 0xa1, 0x6f, 0x81, 1, 0xc0],
  ...[0xa1, 0x62, 0xc3, 0xa1, 0x6e, 0xc0, 0xa1, 0x6d, 0xff],
);

test("inside msgpack primitives become primitives, a list a collection of binaries, anything else a binary as it was", () => {
  const at = (...path: (string | number)[]) => bound(promiseOf("n0", "x", ...path), produced(packed));
  expect(at("a")).toMatchObject(integer(5));
  expect(at("m")).toMatchObject(integer(-1));
  expect(at("f")).toMatchObject(float(5));
  expect(at("s")).toMatchObject(text("t"));
  expect(at("b")).toMatchObject(bool(true));
  expect(at("n")).toMatchObject(NONE);
  expect(at("l")).toMatchObject(list(msgpack(1), msgpack(0xcb, 0x40, 0x14, 0, 0, 0, 0, 0, 0)));
  expect(at("l", 0)).toMatchObject(integer(1));
  expect(at("o")).toMatchObject(msgpack(0x81, 1, 0xc0));
  expect(at("o", 1)).toMatchObject(NONE);
});

test("inside a Struct numbers are floats, as JSON has them", () => {
  const from = produced(struct({ n: 1, s: "t", b: false, z: null, l: [1, { k: "v" }], o: { k: "v" } }));
  const at = (...path: (string | number)[]) => bound(promiseOf("n0", "x", ...path), from);
  expect(at("n")).toMatchObject(float(1));
  expect(at("s")).toMatchObject(text("t"));
  expect(at("b")).toMatchObject(bool(false));
  expect(at("z")).toMatchObject(NONE);
  expect(at("l")).toMatchObject(list(float(1), struct({ k: "v" })));
  expect(at("l", 1, "k")).toMatchObject(text("v"));
  expect(at("o")).toMatchObject(struct({ k: "v" }));
});

test.each<[string, BindingInit | undefined, LiteralInit, string]>([
  ["nothing", undefined, integer(1), "it is bound to nothing"],
  ["an unknown value", promiseOf("n0", "toString"), integer(1), 'node "n0" has no value "toString"'],
  ["an unknown node", promiseOf("ghost"), integer(1), 'node "ghost" has no value "x"'],
  ["a workflow input that is not there", promiseOf("", "z"), integer(1), 'the workflow has no value "z"'],
  ["a key of a map", promiseOf("n0", "x", "toString"), map({}), 'key ["toString"] does not exist'],
  ["an index of a list", promiseOf("n0", "x", 1), list(integer(1)), "index [1] is outside of a list of 1"],
  ["a key of a list", promiseOf("n0", "x", "k"), list(integer(1)), 'index ["k"] is outside of a list of 1'],
  ["a key of a primitive", promiseOf("n0", "x", "k"), integer(1), "cannot be looked up in a scalar of kind primitive"],
  [
    "a key of an empty scalar",
    promiseOf("n0", "x", "k"),
    { value: { case: "scalar", value: {} } },
    "a scalar of kind nothing",
  ],
  [
    "a key of an empty union",
    promiseOf("n0", "x", "k"),
    scalar({ case: "union", value: {} }),
    "a scalar of kind union",
  ],
  ["a key of an empty literal", promiseOf("n0", "x", "k"), {}, "in a literal of kind nothing"],
  [
    "a key of an offloaded literal",
    promiseOf("n0", "x", "k"),
    { value: { case: "offloadedMetadata", value: {} } },
    "the offloaded value at",
  ],
  [
    "a foreign binary",
    promiseOf("n0", "x", "k"),
    scalar({ case: "binary", value: { tag: "pickle" } }),
    'tagged "pickle"',
  ],
  ["broken msgpack", promiseOf("n0", "x", "k"), msgpack(0x81), "cut off"],
  ["a key in msgpack", promiseOf("n0", "x", "k"), packed, 'key ["k"] does not exist'],
  ["an int key in msgpack", promiseOf("n0", "x", 7), packed, "key [7] does not exist"],
  ["a key of an int in msgpack", promiseOf("n0", "x", "a", "k"), packed, "in a value of kind integer"],
  [
    "an unsigned 64-bit int",
    promiseOf("n0", "x", 0),
    msgpack(0x91, 0xcf, ...new Array(8).fill(0xff)),
    "does not fit into 64 bits",
  ],
  ["a key of a text in a Struct", promiseOf("n0", "x", "s", "k"), struct({ s: "t" }), "in a value of kind string"],
  ["a key of a null in a Struct", promiseOf("n0", "x", "s", "k"), struct({ s: null }), "in a value of kind object"],
])("%s cannot be resolved, and the message says so", (_, binding, from, message) => {
  expect(failureOf(binding, produced(from))).toContain('Input "y" could not be resolved: ');
  expect(failureOf(binding, produced(from))).toContain(message);
});

test("an attribute that says nothing is an empty key", () => {
  const path: BindingInit = { value: { case: "promise", value: { nodeId: "n0", var: "x", attrPath: [{}] } } };
  expect(failureOf(path, produced(map({})))).toContain('key [""] does not exist');
});

test("a value that is no LiteralMap fails who reads it; any other error is a bug and is thrown", () => {
  expect(() => decodeLiteralMap(Uint8Array.of(0xff), "n0")).toThrow(/the values of node "n0" are not a LiteralMap/);
  const bindings = [
    { $typeName: "flyteidl.core.Binding" as const, var: "y", binding: create(BindingDataSchema, promiseOf("n0")) },
  ];
  const read = () => {
    throw new TypeError("a bug");
  };
  expect(() => bindInputs({ bindings, unionTypes: new Map(), target: TASK }, { read, readOffloaded })).toThrow(
    TypeError,
  );
});
