import { create } from "@bufbuild/protobuf";
import { fromBytes, toBytes } from "@skein/idl";
import {
  ErrorSchema,
  type Literal,
  LiteralMapSchema,
  LiteralSchema,
  type LiteralType,
  type Scalar,
  ScalarSchema,
  SimpleType,
  UnionSchema,
} from "@skein/idl/core";

/** Whether a failure node is told the error by an input of this type (contract 6.6). */
export const takesError = (type: LiteralType): boolean =>
  isError(type) || (type.type.case === "unionType" && type.type.value.variants.some(isError));

const isError = ({ type }: LiteralType): boolean => type.case === "simple" && type.value === SimpleType.ERROR;

/** The inputs of a failure node with the error in all of the inputs that take one. */
export function withError(
  bytes: Uint8Array,
  errorInputs: ReadonlyMap<string, LiteralType>,
  message: string,
  failedNodeId: string,
): Uint8Array {
  if (errorInputs.size === 0) return bytes;
  const inputs = fromBytes(LiteralMapSchema, bytes);
  const error = scalar({ case: "error", value: create(ErrorSchema, { message, failedNodeId }) });
  for (const [name, type] of errorInputs) {
    const variant = type.type.case === "unionType" ? type.type.value.variants.find(isError) : undefined;
    inputs.literals[name] = variant
      ? scalar({ case: "union", value: create(UnionSchema, { value: error, type: variant }) })
      : error;
  }
  return toBytes(LiteralMapSchema, inputs);
}

const scalar = (value: Scalar["value"]): Literal =>
  create(LiteralSchema, { value: { case: "scalar", value: create(ScalarSchema, { value }) } });
