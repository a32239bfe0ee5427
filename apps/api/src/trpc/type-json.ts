import { type JsonValue, toJson } from "@bufbuild/protobuf";
import { type LiteralType, LiteralTypeSchema } from "@skein/idl/core";

/** A Flyte type in proto JSON, with proto names: what generators of forms know how to read. */
export const toTypeJson = (type: LiteralType | undefined): JsonValue =>
  type ? toJson(LiteralTypeSchema, type, { useProtoFieldName: true }) : null;
