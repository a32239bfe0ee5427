import { create } from "@bufbuild/protobuf";
import { type LiteralMap, LiteralMapSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { needsTaskTemplate, renderTemplate, type TemplateValues } from "./template.ts";

const values = (change: Partial<TemplateValues> = {}): TemplateValues => ({
  input: "/a/in/inputs.pb",
  inputPrefix: "/a/in",
  outputPrefix: "/a/out",
  rawOutputDataPrefix: "s3://b/raw",
  checkpointOutputPrefix: "s3://b/raw/_flytecheckpoints",
  prevCheckpointPrefix: undefined,
  taskTemplatePath: "/a/in/task.pb",
  namespace: "p-d",
  attemptName: "run-n0-0",
  inputs: create(LiteralMapSchema),
  ...change,
});
const render = (text: string, change: Partial<TemplateValues> = {}) => renderTemplate([text], values(change))[0];

type Primitives =
  | { case: "integer"; value: bigint }
  | { case: "floatValue"; value: number }
  | { case: "boolean"; value: boolean }
  | { case: "stringValue"; value: string }
  | { case: "datetime" | "duration"; value: { seconds: bigint; nanos: number } };
const primitive = (value: Primitives) => ({
  value: { case: "scalar" as const, value: { value: { case: "primitive" as const, value: { value } } } },
});
const withInput = (
  literal: LiteralMap["literals"][string] | ReturnType<typeof primitive>,
): Partial<TemplateValues> => ({
  inputs: create(LiteralMapSchema, { literals: { x: literal } }),
});

test.each([
  ["{{.input}}", "/a/in/inputs.pb"],
  ["{{ .Input }}", "/a/in/inputs.pb"],
  ["{{$.inputPrefix}}", "/a/in"],
  ["{{.outputPrefix}}/x", "/a/out/x"],
  ["{{.RAWOUTPUTDATAPREFIX}}", "s3://b/raw"],
  ["{{.checkpointOutputPrefix}}", "s3://b/raw/_flytecheckpoints"],
  ["{{.prevCheckpointPrefix}}", '""'],
  ["{{.taskTemplatePath}}", "/a/in/task.pb"],
  ["{{.namespace}}", "p-d"],
  ["{{.perRetryUniqueKey}}", "run_n0_0"],
  ["{{.unknown}} {{ input }} {.input}", "{{.unknown}} {{ input }} {.input}"],
])("%s becomes %s", (text, expected) => {
  expect(render(text)).toBe(expected);
});

test("a unique key starts with a letter and holds no punctuation", () => {
  expect(render("{{.perRetryUniqueKey}}", { attemptName: "7run--n0.1" })).toBe("arun_n0_1");
});

test.each([
  [{ case: "integer", value: 9_007_199_254_740_993n }, "9007199254740993"],
  [{ case: "floatValue", value: 1.5 }, "1.5"],
  [{ case: "boolean", value: true }, "true"],
  [{ case: "stringValue", value: "a $& {{.input}}" }, "a $& {{.input}}"],
  [{ case: "datetime", value: { seconds: 0n, nanos: 0 } }, "1970-01-01T00:00:00Z"],
  [{ case: "datetime", value: { seconds: 1n, nanos: 500_000_000 } }, "1970-01-01T00:00:01.5Z"],
  [{ case: "duration", value: { seconds: 3723n, nanos: 500_000_000 } }, "1h2m3.5s"],
  [{ case: "duration", value: { seconds: -5n, nanos: 0 } }, "-5s"],
] satisfies [Primitives, string][])("input %o becomes %s", (value, expected) => {
  expect(render("{{.inputs.x}}", withInput(primitive(value)))).toBe(expected);
});

test("a collection becomes a bracketed list", () => {
  const literals = [1n, 2n].map((value) => primitive({ case: "integer", value }));
  const inputs = create(LiteralMapSchema, { literals: { x: { value: { case: "collection", value: { literals } } } } });
  expect(render("{{.inputs.x}}", { inputs })).toBe("[1,2]");
});

test("an input that does not exist, or has no text, is refused by name", () => {
  expect(() => render("{{.inputs.y}}")).toThrow(/inputs\.y/);
  const inputs = create(LiteralMapSchema, { literals: { x: { value: { case: "map", value: {} } } } });
  expect(() => render("{{.inputs.x}}", { inputs })).toThrow(/inputs\.x.*map/);
});

test("only a command that asks for the task template gets it as a file", () => {
  expect(needsTaskTemplate(["--task", "{{ .TaskTemplatePath }}"])).toBe(true);
  expect(needsTaskTemplate(["{{.input}}"])).toBe(false);
});
