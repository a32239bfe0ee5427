import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTempFolder } from "@skein/testing";
import { afterAll, expect, test } from "vitest";
import { readDocument, readInputsFile, readTypedInputs } from "./read-inputs.ts";

const folder = createTempFolder("inputs");
afterAll(() => folder.close());

const BIG = "9223372036854775807";
const simple = (name: string) => ({ type: { simple: name } });
const variants = (...names: string[]) => ({
  type: { union_type: { variants: names.map((name) => ({ simple: name })) } },
});
const read = (type: { type: unknown }, text: string) => readTypedInputs({ x: text }, { x: type }).x;

test("text is read as the type that is asked for", () => {
  expect(read(simple("INTEGER"), BIG)).toBe(BIG);
  expect(read(simple("STRING"), "5")).toBe("5");
  expect(read(simple("STRING"), "true")).toBe("true");
  expect(read(simple("FLOAT"), "1e3")).toBe(1_000);
  expect(read(simple("FLOAT"), "-Infinity")).toBe("-Infinity");
  expect(read(simple("BOOLEAN"), "True")).toBe(true);
  expect(read(simple("DURATION"), "1h30m")).toBe("5400s");
  expect(read(simple("DURATION"), "-1.5s")).toBe("-1.5s");
  expect(read(simple("STRUCT"), '{"a": 1}')).toEqual({ a: 1 });
  expect(read({ type: { collection_type: { simple: "INTEGER" } } }, `[1, ${BIG}]`)).toEqual([1, BIG]);
  expect(read({ type: { blob: {} } }, "s3://b/k")).toBe("s3://b/k");
  expect(read({ type: { enum_type: { values: ["1"] } } }, "1")).toBe("1");
});

test("of several types the first that fits is taken, and text only where nothing else fits", () => {
  expect(read(variants("STRING", "INTEGER", "NONE"), "5")).toBe("5");
  expect(read(variants("STRING", "BOOLEAN"), "true")).toBe(true);
  expect(read(variants("INTEGER", "NONE"), "null")).toBe(null);
  expect(read(variants("STRING", "FLOAT"), "abc")).toBe("abc");
  expect(() => read(variants("INTEGER", "NONE"), "abc")).toThrow('--input x: "abc" fits none');
});

test("what cannot be of its type is refused by name; what nobody asks for is left to the server", () => {
  expect(() => read(simple("FLOAT"), "")).toThrow('--input x: "" must be a number');
  expect(() => read(simple("BOOLEAN"), "yes")).toThrow("must be true or false");
  expect(() => read(simple("STRUCT"), "{")).toThrow("--input x: is neither JSON nor YAML");
  expect(readTypedInputs({ y: "5", toString: "z" }, {})).toEqual({ y: "5", toString: "z" });
});

test("a file of inputs is JSON or YAML, and no whole number loses a digit", () => {
  const path = join(folder.path, "in.yaml");
  writeFileSync(path, `x: ${BIG}\nsmall: 5\nwords: [a, no]\nnothing:\n`);
  expect(readInputsFile(path)).toEqual({ x: BIG, small: 5, words: ["a", "no"], nothing: null });
  expect(readDocument(`{"x": -${BIG}, "f": 0.5}`, "f")).toEqual({ x: `-${BIG}`, f: 0.5 });
  writeFileSync(path, "[1]");
  expect(() => readInputsFile(path)).toThrow("must be an object");
  expect(() => readInputsFile("/no/such")).toThrow("--inputs /no/such cannot be read");
});
