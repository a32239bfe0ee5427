import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Literal,
  LiteralSchema,
  type LiteralType,
  LiteralTypeSchema,
  type ScalarSchema,
  SimpleType,
  TypeStructureSchema,
  type VariableMap,
  VariableMapSchema,
} from "@skein/idl/core";

type TypeInit = Omit<MessageInitShape<typeof LiteralTypeSchema>, "$typeName" | "$unknown" | "type">;

const typeOf = (type: LiteralType["type"], rest: TypeInit = {}): LiteralType =>
  create(LiteralTypeSchema, { type, ...rest });

export const simple = (value: SimpleType, rest: TypeInit = {}): LiteralType => typeOf({ case: "simple", value }, rest);

export const INT = simple(SimpleType.INTEGER);
export const FLOAT = simple(SimpleType.FLOAT);
export const STR = simple(SimpleType.STRING);
export const BOOL = simple(SimpleType.BOOLEAN);
export const DATETIME = simple(SimpleType.DATETIME);
export const NONE = simple(SimpleType.NONE);
export const STRUCT = simple(SimpleType.STRUCT);

export const listOf = (element: LiteralType): LiteralType => typeOf({ case: "collectionType", value: element });
export const mapOf = (element: LiteralType): LiteralType => typeOf({ case: "mapValueType", value: element });
export const unionOf = (...variants: LiteralType[]): LiteralType =>
  create(LiteralTypeSchema, { type: { case: "unionType", value: { variants } } });
export const enumOf = (...values: string[]): LiteralType =>
  create(LiteralTypeSchema, { type: { case: "enumType", value: { values } } });
export const blobOf = (format: string): LiteralType =>
  create(LiteralTypeSchema, { type: { case: "blob", value: { format } } });
export const tagged = (type: LiteralType, tag: string): LiteralType =>
  create(LiteralTypeSchema, { ...type, structure: create(TypeStructureSchema, { tag }) });

export const scalar = (value: MessageInitShape<typeof ScalarSchema>["value"]): Literal =>
  create(LiteralSchema, { value: { case: "scalar", value: value === undefined ? {} : { value } } });
export const integer = (value: number): Literal =>
  scalar({ case: "primitive", value: { value: { case: "integer", value: BigInt(value) } } });
export const text = (value: string): Literal =>
  scalar({ case: "primitive", value: { value: { case: "stringValue", value } } });
export const nothing = (): Literal => scalar({ case: "noneType", value: {} });
export const list = (...literals: Literal[]): Literal =>
  create(LiteralSchema, { value: { case: "collection", value: { literals } } });
export const map = (literals: Record<string, Literal>): Literal =>
  create(LiteralSchema, { value: { case: "map", value: { literals } } });
export const unionLiteral = (value: Literal, type: LiteralType): Literal =>
  scalar({ case: "union", value: { value, type } });

export const variables = (types: Record<string, LiteralType>): VariableMap =>
  create(VariableMapSchema, {
    variables: Object.fromEntries(Object.entries(types).map(([name, type]) => [name, { type }])),
  });
