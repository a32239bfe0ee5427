import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import {
  type BindingDataSchema,
  BindingSchema,
  type LiteralType,
  LiteralTypeSchema,
  type ScalarSchema,
  SimpleType,
  TypedInterfaceSchema,
} from "@skein/idl/core";
import { expect, test } from "vitest";
import { enumOf, INT, listOf, mapOf, NONE, STR, STRUCT, simple, unionOf } from "../../test/literals.ts";
import { type Given, nodeOf, runs, taskOf, workflowOf } from "../../test/templates.ts";
import { compileWorkflow } from "./compile-workflow.ts";

type Data = MessageInitShape<typeof BindingDataSchema>;

const scalar = (value: MessageInitShape<typeof ScalarSchema>["value"]): Data => ({
  value: { case: "scalar", value: value === undefined ? {} : { value } },
});
const int = scalar({ case: "primitive", value: { value: { case: "integer", value: 1n } } });
const text = (value: string): Data => scalar({ case: "primitive", value: { value: { case: "stringValue", value } } });
const list = (...bindings: Data[]): Data => ({ value: { case: "collection", value: { bindings } } });
const map = (bindings: Record<string, Data>): Data => ({ value: { case: "map", value: { bindings } } });
const promise = (name: string, ...path: (string | number)[]): Data => ({
  value: {
    case: "promise",
    value: {
      nodeId: "",
      var: name,
      attrPath: path.map((key) => ({
        value: typeof key === "number" ? { case: "intValue", value: key } : { case: "stringValue", value: key },
      })),
    },
  },
});
const offloaded = (inferredType?: LiteralType): Data => ({
  value: { case: "offloadedMetadata", value: inferredType ? { inferredType } : {} },
});

const POINT = create(LiteralTypeSchema, {
  ...simple(SimpleType.STRUCT, { metadata: { title: "Point" } }),
  structure: { $typeName: "flyteidl.core.TypeStructure", tag: "", dataclassType: { x: INT, tags: listOf(STR) } },
});

/** Codes of what is wrong when `given` is bound to a parameter of type `type`. */
function problems(type: LiteralType, given: Given, metadata?: { name: string }): string[] {
  const template = workflowOf({
    inputs: {
      i: INT,
      s: STR,
      ints: listOf(INT),
      free: STRUCT,
      point: POINT,
      points: mapOf(POINT),
      maybe: unionOf(POINT, NONE),
    },
    nodes: [nodeOf("n", { p: given }, { target: runs("take"), ...(metadata ? { metadata } : {}) })],
  });
  const result = compileWorkflow({ template, tasks: [taskOf("take", { p: type }, {})] });
  return "errors" in result ? result.errors.map(({ code, description }) => `${code}: ${description}`) : [];
}

const INTS_OR_STRS = unionOf(listOf(INT), listOf(STR));

const FITS: readonly [string, LiteralType, Given][] = [
  ["a scalar", INT, int],
  ["an enum's value", enumOf("a"), text("a")],
  ["a list", listOf(INT), list(int, promise("i"))],
  ["an empty list", listOf(INT), list()],
  ["a map", mapOf(listOf(INT)), map({ a: list(int), b: promise("ints") })],
  ["a list that fits one variant of a union", INTS_OR_STRS, list(int)],
  ["a map that fits one variant of a union", unionOf(INT, mapOf(INT)), map({ a: int })],
  ["a scalar to an optional", unionOf(INT, NONE), int],
  ["an element by index in the name", INT, promise("[0].ints")],
  ["an element by path", INT, promise("ints", 0)],
  ["a field of a dataclass", INT, promise("point", "x")],
  ["a deep field", STR, promise("points", "key", "tags", 0)],
  ["a field of a struct that does not say its fields", STR, promise("free", "any", "thing")],
  ["a field of an optional", INT, promise("maybe", "x")],
  ["an offloaded value of a known type", listOf(INT), offloaded(listOf(INT))],
];

test.each(FITS)("%s can be bound", (_words, type, given) => {
  expect(problems(type, given)).toEqual([]);
});

const MISFITS: readonly [string, LiteralType, Given, string][] = [
  [
    "a scalar of another type",
    STR,
    int,
    "MismatchingTypes: Variable [p] (type [int]) doesn't match expected type [str].",
  ],
  [
    "a value outside an enum",
    enumOf("a", "b"),
    text("c"),
    "IllegalEnumValue: Input [p] on node [n] is an Enum and expects value to be one of [a b].  Received [c]",
  ],
  [
    "a union's value for an enum",
    enumOf("a"),
    scalar({
      case: "union",
      value: {
        value: { value: { case: "scalar", value: { value: { case: "noneType", value: {} } } } },
        type: STR,
      },
    }),
    "IllegalEnumValue: Input [p] on node [n] is an Enum and expects value to be one of [a].  Received []",
  ],
  [
    "no string for an enum",
    enumOf("a"),
    int,
    "MismatchingTypes: Variable [p] (type [int]) doesn't match expected type [enum(a)].",
  ],
  ["a scalar of no kind", INT, scalar(undefined), "UnrecognizedValue: Unrecognized value [bound to p]."],
  ["an offloaded value of an unknown type", INT, offloaded(), "UnrecognizedValue: Unrecognized value [bound to p]."],
  [
    "a list to a plain type",
    INT,
    list(int),
    "MismatchingBindings: Input [p] on node [n] expects bindings of type [int].  Received [a list]",
  ],
  [
    "a map to a list",
    listOf(INT),
    map({}),
    "MismatchingBindings: Input [p] on node [n] expects bindings of type [list[int]].  Received [a map]",
  ],
  [
    "a list with a wrong element",
    listOf(INT),
    list(int, text("a")),
    "MismatchingTypes: Variable [p] (type [str]) doesn't match expected type [int].",
  ],
  [
    "nothing",
    INT,
    {},
    "MismatchingBindings: Input [p] on node [n] expects bindings of type [int].  Received [nothing]",
  ],
  [
    "a list that fits two variants",
    INTS_OR_STRS,
    list(),
    "AmbiguousBindingUnionValue: Input [p] on node [n] expects bindings of union type [list[int] | list[str]].  Received [a list] which is ambiguous as both variants [list[int]] and [list[str]] match.",
  ],
  [
    "a map that fits no variant",
    INTS_OR_STRS,
    map({}),
    "IncompatibleBindingUnionValue: Input [p] on node [n] expects bindings of union type [list[int] | list[str]].  Received [a map] which does not match any of the variants.",
  ],
  [
    "a field that a dataclass lacks",
    INT,
    promise("point", "z"),
    "FieldNotFound: Variable [point] (type [Point]) doesn't have field [z].",
  ],
  [
    "a field without a name",
    INT,
    { value: { case: "promise", value: { nodeId: "", var: "point", attrPath: [{}] } } },
    "FieldNotFound: Variable [point] (type [Point]) doesn't have field [].",
  ],
  ["a field of an int", INT, promise("i", "z"), "FieldNotFound: Variable [i] (type [int]) doesn't have field [z]."],
  [
    "a field of another type",
    INT,
    promise("point", "tags"),
    "MismatchingTypes: The output variable 'point' has type [list[str]], but it's assigned to the input variable 'p' which has type [int].",
  ],
  ["a name that cannot be read", INT, promise("a b"), "SyntaxError: Failed to parse element [a b]."],
  [
    "a name like a method's",
    INT,
    promise("toString"),
    "VariableNameNotFound: Variable [toString] not found on node [start-node].",
  ],
  ["an unknown node", INT, "gone.o", "NodeReferenceNotFound: Referenced node [gone] not found."],
];

test.each(MISFITS)("%s cannot be bound", (_words, type, given, problem) => {
  expect(problems(type, given)).toEqual([problem]);
});

test("an error calls a variable by its node's name", () => {
  const [problem] = problems(STR, promise("i"), { name: "greet" });
  expect(problem).toContain("assigned to the input variable 'greet.p'");
});

test("a part of a variable whose type is missing can be bound to anything", () => {
  const template = workflowOf({ nodes: [nodeOf("n", { p: promise("untyped", "part") }, { target: runs("take") })] });
  template.interface = create(TypedInterfaceSchema, { inputs: { variables: { untyped: {} } } });
  const result = compileWorkflow({ template, tasks: [taskOf("take", { p: INT }, {})] });
  expect("errors" in result && result.errors.map(({ nodeId, code }) => `${nodeId} ${code}`)).toEqual([
    "start-node ValueRequired",
  ]);
});

test("only an optional parameter may stay unbound", () => {
  const template = workflowOf({ nodes: [nodeOf("n", {}, { target: runs("take") })] });
  const task = taskOf("take", { maybe: unionOf(INT, NONE), either: unionOf(INT, STR), p: INT }, {});
  const result = compileWorkflow({ template, tasks: [task] });
  expect("errors" in result && result.errors.map(({ description }) => description)).toEqual([
    "Parameter not bound [either].",
    "Parameter not bound [p].",
  ]);
});

test("a parameter is bound once, and with something", () => {
  const node = nodeOf("n", { p: int }, { target: runs("take") });
  node.inputs.push(create(BindingSchema, { var: "p" }), create(BindingSchema, { var: "q" }));
  const result = compileWorkflow({
    template: workflowOf({ nodes: [node] }),
    tasks: [taskOf("take", { p: INT, q: INT }, {})],
  });
  expect("errors" in result && result.errors.map(({ code }) => code)).toEqual([
    "ParameterBoundMoreThanOnce",
    "ValueRequired",
  ]);
});
