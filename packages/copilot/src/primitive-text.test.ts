import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { PrimitiveSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { fileText, plainPrimitive } from "./primitive-text.ts";

type Value = MessageInitShape<typeof PrimitiveSchema>["value"];
const float = (value: number): Value => ({ case: "floatValue", value });
const duration = (seconds: bigint, nanos: number): Value => ({ case: "duration", value: { seconds, nanos } });

test.each<[Value, string, unknown]>([
  [float(1.5), "1.5", 1.5],
  [float(3), "3", 3],
  [float(1.25e21), "1250000000000000000000", 1.25e21],
  [float(-1e-7), "-0.0000001", -1e-7],
  [float(1.5e-9), "0.0000000015", 1.5e-9],
  [float(Number.NEGATIVE_INFINITY), "-Inf", Number.NEGATIVE_INFINITY],
  [duration(3723n, 500_000_000), "1h2m3.5s", 3_723_500_000_000n],
  [duration(0n, 1_500_000), "1.5ms", 1_500_000n],
  [duration(0n, -20), "-20ns", -20n],
  [duration(0n, 0), "0s", 0n],
  [{ case: "integer", value: 2n ** 62n }, "4611686018427387904", 2n ** 62n],
  [
    { case: "datetime", value: { seconds: 0n, nanos: 120 } },
    "1970-01-01T00:00:00.00000012Z",
    "1970-01-01T00:00:00.00000012Z",
  ],
  [undefined, "null", null],
])("$0.case is $1 in its file", (value, text, plain) => {
  const primitive = create(PrimitiveSchema, value === undefined ? {} : { value });
  expect([fileText(primitive), plainPrimitive(primitive)]).toEqual([text, plain]);
});
