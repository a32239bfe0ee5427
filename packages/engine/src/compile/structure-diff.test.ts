import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { TaskTemplateSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { structureDiff } from "./structure-diff.ts";

const diff = (
  before: MessageInitShape<typeof TaskTemplateSchema>,
  after: MessageInitShape<typeof TaskTemplateSchema>,
) => structureDiff(TaskTemplateSchema, create(TaskTemplateSchema, before), create(TaskTemplateSchema, after));

test("each changed field is one block with its path and both values", () => {
  const args = (...list: string[]) => ({ case: "container" as const, value: { image: "a", args: list } });
  expect(
    diff(
      { taskTypeVersion: 1, target: args("x", "y"), config: { "a/b~c": "1" } },
      { taskTypeVersion: 2, target: args("x", "z", "w"), config: {} },
    ),
  ).toBe(
    [
      '/config:\n\t- {"a/b~c":"1"}\n\t+ (none)',
      '/container/args/1:\n\t- "y"\n\t+ "z"',
      '/container/args/2:\n\t- (none)\n\t+ "w"',
      "/task_type_version:\n\t- 1\n\t+ 2",
    ].join("\n"),
  );
  expect(diff({ config: { "a/b~c": "1" } }, { config: { "a/b~c": "2" } })).toMatch(/^\/config\/a~1b~0c:/);
});

test("equal messages do not differ, and long values are cut", () => {
  expect(diff({ type: "a" }, { type: "a" })).toBe("");
  expect(diff({ type: "a".repeat(1000) }, {}).length).toBeLessThan(350);
});
