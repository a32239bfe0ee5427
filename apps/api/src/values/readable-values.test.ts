import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { toBytes } from "@skein/idl";
import { LiteralMapSchema } from "@skein/idl/core";
import { integerInputs } from "@skein/testing";
import { expect, test } from "vitest";
import { readForAnswer } from "./readable-values.ts";

const MIB = 1024 * 1024;
const bytesOf = (map: MessageInitShape<typeof LiteralMapSchema>) =>
  toBytes(LiteralMapSchema, create(LiteralMapSchema, map));
const X = bytesOf(integerInputs({ x: 1 }));
/** Says that it is `sizeBytes` large, whatever it holds. */
const inStore = (sizeBytes: number) => ({ data: null, uri: `s3://b/${sizeBytes}`, sizeBytes });
const read: string[] = [];
const storage = {
  get: async (uri: string) => {
    read.push(uri);
    return X;
  },
};

test("values come from their rows and from the store; what is missing is empty", async () => {
  const row = { data: X, uri: null, sizeBytes: X.length };
  const answer = await readForAnswer(storage, { inputs: row, outputs: inStore(2 * MIB) });
  expect(answer.inputs.literals.x).toBeDefined();
  expect(answer.outputs.literals.x).toBeDefined();
  expect(answer.large).toEqual({});
  expect((await readForAnswer(storage, {})).inputs.literals).toEqual({});
});

test("of two values that fit one at a time the larger one is left in the store, unread", async () => {
  read.length = 0;
  const answer = await readForAnswer(storage, { inputs: inStore(10 * MIB), outputs: inStore(9 * MIB) });
  expect(answer.large).toEqual({ inputs: { uri: `s3://b/${10 * MIB}`, sizeBytes: 10 * MIB } });
  expect(answer.inputs.literals).toEqual({});
  expect(answer.outputs.literals.x).toBeDefined();
  expect(read).toEqual([`s3://b/${9 * MIB}`]);
});

test("two values that are too large each are both left in the store", async () => {
  const { large } = await readForAnswer(storage, { inputs: inStore(17 * MIB), outputs: inStore(18 * MIB) });
  expect(Object.keys(large).sort()).toEqual(["inputs", "outputs"]);
});
