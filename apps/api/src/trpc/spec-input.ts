import { type DescMessage, fromBinary, fromJson, type JsonObject, type MessageShape } from "@bufbuild/protobuf";
import { SkeinError } from "@skein/errors";
import { z } from "zod";
import { ByVersion } from "./inputs.ts";

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A new version of an entity, with the message that describes it. */
export const NewVersion = ByVersion.extend({
  /** The message in protobuf's JSON form. */
  spec: z.custom<JsonObject>(isObject, "must be an object: the message in protobuf's JSON form").optional(),
  /** The serialized message in base64. */
  specProto: z.base64("must be the serialized message in base64").optional(),
}).refine(({ spec, specProto }) => (spec === undefined) !== (specProto === undefined), {
  path: ["spec"],
  error: "give spec or specProto",
});

/** The message that the input holds. Throws `invalid_argument`, which names a field that the message does not have. */
export function readSpec<Desc extends DescMessage>(
  schema: Desc,
  { spec, specProto }: z.output<typeof NewVersion>,
): MessageShape<Desc> {
  try {
    if (specProto === undefined) return fromJson(schema, spec ?? {});
    return fromBinary(schema, Buffer.from(specProto, "base64"));
  } catch (error) {
    const field = specProto === undefined ? "spec" : "specProto";
    const why = error instanceof Error ? error.message : String(error);
    throw new SkeinError("invalid_argument", "malformed_message", `${field}: ${why}.`, { cause: error });
  }
}
