import { create } from "@bufbuild/protobuf";
import { AnnotationsSchema, ExecutionSpecSchema, LabelsSchema } from "@skein/idl/admin";
import { expect, test } from "vitest";
import { givePriority, PRIORITY_NAME, priorityOf, priorityProblem } from "./priority.ts";

const annotated = (words: string) => ({
  annotations: create(AnnotationsSchema, { values: { [PRIORITY_NAME]: words } }),
});
const labelled = (words: string) => ({ labels: create(LabelsSchema, { values: { [PRIORITY_NAME]: words } }) });

test.each([
  ["nothing is said", {}, 0],
  ["an annotation says it", annotated("7"), 7],
  ["a label says it", labelled("-100"), -100],
  ["both say it", { ...annotated("7"), ...labelled("9") }, 7],
])("a run's priority where %s", (_, source, priority) => {
  expect(priorityOf(source)).toBe(priority);
  expect(priorityProblem(source)).toBeUndefined();
});

test.each(["", "high", "101", "-101", "1.5", "1e1", " 7", "007x"])("%j is no priority", (words) => {
  expect(priorityProblem(annotated(words))).toContain(`${PRIORITY_NAME} is "${words}"`);
  expect(priorityProblem(labelled(words))).toContain("from -100 to 100");
  expect(priorityOf(annotated(words))).toBe(0);
});

test("a priority is written beside other annotations", () => {
  const spec = create(ExecutionSpecSchema, { annotations: { values: { a: "b" } } });
  givePriority(spec, 3);
  expect(spec.annotations?.values).toEqual({ a: "b", [PRIORITY_NAME]: "3" });
});
