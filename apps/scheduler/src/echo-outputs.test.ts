import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { LiteralMapSchema, TaskTemplateSchema } from "@skein/idl/core";
import { integerInputs, integerInterface } from "@skein/testing";
import { expect, test } from "vitest";
import { underOutputNames } from "./echo-outputs.ts";

const node = (inputs: readonly string[], outputs: readonly string[], orderKind: "echo" | "container" = "echo") => {
  const template = create(TaskTemplateSchema, { type: orderKind, interface: integerInterface(inputs, outputs) });
  return { target: { kind: "task" as const, task: { key: "echo", template, orderKind } } };
};
const values = (map: Readonly<Record<string, number>>) =>
  toBinary(LiteralMapSchema, create(LiteralMapSchema, integerInputs(map)));
const read = (bytes: Uint8Array) => fromBinary(LiteralMapSchema, bytes);

test("an echo's outputs that have the inputs' names are left as they are", () => {
  const data = values({ x: 1 });
  expect(underOutputNames(node(["x"], ["x"]), data)).toBe(data);
});

test("an echo's numbered outputs take the inputs in the order of their names", () => {
  const echo = node(["side", "length"], ["o1", "o0"]);
  for (let time = 0; time < 2; time += 1) {
    expect(read(underOutputNames(echo, values({ side: 1, length: 2 })))).toEqual(read(values({ o0: 2, o1: 1 })));
  }
});

test("outputs of other tasks are not touched", () => {
  const data = values({ x: 1 });
  expect(underOutputNames(node(["x"], ["o0"], "container"), data)).toBe(data);
});
