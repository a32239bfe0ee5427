import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Literal,
  LiteralSchema,
  type LiteralType,
  LiteralTypeSchema,
  type ScalarSchema,
  SimpleType,
} from "@skein/idl/core";
import { expect, test } from "vitest";
import { INTEGER, integer } from "../../test/closures.ts";
import { holdsUnion, wrapUnions } from "./union.ts";

type TypeInit = MessageInitShape<typeof LiteralTypeSchema>;
type ScalarInit = NonNullable<Exclude<MessageInitShape<typeof ScalarSchema>, { $typeName: string }>["value"]>;

const typeOf = (type: TypeInit): LiteralType => create(LiteralTypeSchema, type);
const simple = (value: SimpleType): TypeInit => ({ type: { case: "simple", value } });
const listOf = (value: TypeInit): TypeInit => ({ type: { case: "collectionType", value } });
const mapOf = (value: TypeInit): TypeInit => ({ type: { case: "mapValueType", value } });
const unionOf = (...variants: TypeInit[]): TypeInit => ({ type: { case: "unionType", value: { variants } } });
const NONE = simple(SimpleType.NONE);

const scalar = (value: ScalarInit): Literal => create(LiteralSchema, { value: { case: "scalar", value: { value } } });
const text = (value: string) => scalar({ case: "primitive", value: { value: { case: "stringValue", value } } });
const one = create(LiteralSchema, integer(1));
const list = (...literals: Literal[]) => create(LiteralSchema, { value: { case: "collection", value: { literals } } });
const map = (literals: Record<string, Literal>) =>
  create(LiteralSchema, { value: { case: "map", value: { literals } } });

/** The variant a literal was wrapped with, or what it is without a union. */
function variantOf(literal: Literal): LiteralType | string | undefined {
  const value = literal.value.case === "scalar" ? literal.value.value.value : undefined;
  return value?.case === "union" ? value.value.type : (value?.case ?? literal.value.case);
}

test("a union is found at any depth of collections and maps", () => {
  expect(holdsUnion(typeOf(listOf(mapOf(unionOf(INTEGER)))))).toBe(true);
  expect(holdsUnion(typeOf(listOf(mapOf(INTEGER))))).toBe(false);
});

test("a literal is wrapped with the variant it fits, and only once", () => {
  const optional = typeOf(unionOf(simple(SimpleType.STRING), INTEGER, NONE));
  const wrapped = wrapUnions(one, optional);
  expect(variantOf(wrapped)).toEqual(typeOf(INTEGER));
  expect(wrapUnions(wrapped, optional)).toBe(wrapped);
  expect(variantOf(wrapUnions(scalar({ case: "noneType", value: {} }), optional))).toEqual(typeOf(NONE));
});

test("the elements of collections and maps are wrapped where their type is a union", () => {
  const wrappedList = wrapUnions(list(one), typeOf(listOf(unionOf(INTEGER))));
  const wrappedMap = wrapUnions(map({ k: one }), typeOf(mapOf(unionOf(INTEGER))));
  expect(wrappedList.value.case === "collection" && wrappedList.value.value.literals.map(variantOf)).toEqual([
    typeOf(INTEGER),
  ]);
  expect(wrappedMap.value.case === "map" && variantOf(wrappedMap.value.value.literals.k as Literal)).toEqual(
    typeOf(INTEGER),
  );
  expect(wrapUnions(one, typeOf(listOf(unionOf(INTEGER))))).toBe(one);
  expect(wrapUnions(one, typeOf(mapOf(unionOf(INTEGER))))).toBe(one);
});

test.each<[string, Literal, TypeInit]>([
  ["a list", list(one), listOf(INTEGER)],
  ["a map", map({ k: one }), mapOf(INTEGER)],
  ["an enum's value", text("red"), { type: { case: "enumType", value: { values: ["red"] } } }],
  ["a dataclass", scalar({ case: "binary", value: { tag: "msgpack" } }), simple(SimpleType.STRUCT)],
])("%s is wrapped with its variant", (_, literal, variant) => {
  const other = simple(SimpleType.DURATION);
  expect(variantOf(wrapUnions(literal, typeOf(unionOf(other, variant))))).toEqual(typeOf(variant));
});

test.each<[string, Literal, TypeInit]>([
  ["an int is no list", one, listOf(INTEGER)],
  ["a list of ints is no list of strings", list(one), listOf(simple(SimpleType.STRING))],
  ["a word outside of an enum", text("blue"), { type: { case: "enumType", value: { values: ["red"] } } }],
  ["an empty literal", create(LiteralSchema), INTEGER],
])("%s: a literal that fits no variant stays as it is", (_, literal, variant) => {
  expect(wrapUnions(literal, typeOf(unionOf(variant)))).toBe(literal);
});
