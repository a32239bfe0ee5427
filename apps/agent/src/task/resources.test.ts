import { create } from "@bufbuild/protobuf";
import { Resources_ResourceName, ResourcesSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { readQuantity, resourceLimits } from "./resources.ts";

test.each([
  ["500m", 0.5],
  ["2", 2],
  ["1.5Gi", 1.5 * 2 ** 30],
  ["300M", 3e8],
  ["1e3", 1000],
  ["lots", undefined],
  ["5Xi", undefined],
])("the quantity %s is %s", (text, expected) => {
  expect(readQuantity(text)).toBe(expected);
});

test("a limit counts before a request, and nonsense and zero are no limit", () => {
  const { CPU, MEMORY } = Resources_ResourceName;
  const resources = create(ResourcesSchema, {
    requests: [
      { name: CPU, value: "1" },
      { name: MEMORY, value: "64Mi" },
    ],
    limits: [{ name: CPU, value: "2" }],
  });
  expect(resourceLimits(resources)).toEqual({ cpuMillis: 2000, memoryBytes: 64 * 2 ** 20 });
  expect(resourceLimits(create(ResourcesSchema, { limits: [{ name: CPU, value: "0" }] }))).toEqual({});
});
