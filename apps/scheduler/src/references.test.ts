import type { ReferenceRow } from "@skein/db";
import { compileWorkflow, type Program, readProgram } from "@skein/engine";
import type { TaskCreateRequest, WorkflowCreateRequest } from "@skein/idl/admin";
import {
  bindTo,
  branchOf,
  chainOf,
  echoTask,
  integerInterface,
  mapWorkflowOf,
  subWorkflowNode,
  taskNode,
  whenInput,
  withSubWorkflow,
  workflowOf,
} from "@skein/testing";
import { expect, test } from "vitest";
import { toReference } from "./references.ts";

const ECHO = echoTask("echo");

function programOf({ spec }: WorkflowCreateRequest, tasks: readonly TaskCreateRequest[] = [ECHO]): Program {
  if (!spec?.template) throw new Error("a workflow has a template");
  const templates = tasks.map((task) => ({ template: task.spec?.template })) as never;
  const compiled = compileWorkflow({ template: spec.template, subWorkflows: spec.subWorkflows, tasks: templates });
  if (!("closure" in compiled)) throw new Error(JSON.stringify(compiled.errors));
  return readProgram(compiled.closure);
}

let next = 0;
/** An action that succeeded; its name is its place. */
const done = (
  specNodeId: string,
  parent: ReferenceRow | null = null,
  more: Partial<ReferenceRow> = {},
): ReferenceRow => ({
  ordinal: next++,
  name: parent ? `${parent.name}.${specNodeId}` : specNodeId,
  parentOrdinal: parent?.ordinal ?? null,
  specNodeId,
  kind: "task",
  phase: "succeeded",
  itemIndex: null,
  isExpanded: false,
  ...more,
});

function referenceOf(
  program: Program,
  actions: readonly ReferenceRow[],
  rerunFrom: readonly string[],
  expansions: ReadonlyMap<number, Program> = new Map(),
) {
  const reference = toReference(
    { program, actions: new Map(actions.map((action) => [action.ordinal, action])), expansions },
    rerunFrom,
  );
  /** What is known of each action, by name. */
  return Object.fromEntries(
    actions.map(({ name, parentOrdinal, specNodeId }) => [name, reference.find(parentOrdinal, specNodeId)?.phase]),
  );
}

const chain = programOf(chainOf("chain", ECHO, 3));

test("a recovered run finds everything that the other did, and how it ended", () => {
  const [a, b] = [done("n0"), done("n1", null, { phase: "failed" })];
  expect(referenceOf(chain, [a, b], [])).toEqual({ n0: "succeeded", n1: "failed" });
  const reference = toReference({ program: chain, actions: new Map([[a.ordinal, a]]), expansions: new Map() }, []);
  expect(reference.find(null, "n0")).toEqual({ ordinal: a.ordinal, phase: "succeeded" });
  expect(reference.find(a.ordinal, "n0")).toBeUndefined();
});

test("a rerun forgets the chosen action and what is downstream of it, and keeps the rest", () => {
  const actions = [done("n0"), done("n1"), done("n2")];
  const known = { n0: "succeeded", n1: undefined, n2: undefined };
  expect(referenceOf(chain, actions, ["n1"])).toEqual(known);
  expect(referenceOf(chain, actions, ["n2", "n1", "unknown"])).toEqual(known);
});

test("from inside a sub-workflow on: what it is a part of is opened again, what comes after that is forgotten", () => {
  const inner = chainOf("inner", ECHO, 2);
  const outer = workflowOf(
    "outer",
    [
      taskNode("first", ECHO, [bindTo("x", "", "x")]),
      subWorkflowNode("sub", inner, { inputs: [bindTo("x", "", "x")] }),
      taskNode("last", ECHO, [bindTo("x", "sub", "x")]),
    ],
    integerInterface(["x"], []),
  );
  const sub = done("sub", null, { kind: "workflow" });
  const actions = [done("first"), sub, done("n0", sub), done("n1", sub), done("last")];
  expect(referenceOf(programOf(withSubWorkflow(outer, inner)), actions, ["sub.n1"])).toEqual({
    first: "succeeded",
    sub: "running",
    "sub.n0": "succeeded",
    "sub.n1": undefined,
    last: undefined,
  });
});

test("from an item of a map on: only that item is done anew, and what follows the map", () => {
  const workflow = mapWorkflowOf("map", ECHO);
  const map = done("n0", null, { kind: "array" });
  const items = [0, 1].map((itemIndex) => done(`n${itemIndex}`, map, { itemIndex }));
  expect(referenceOf(programOf(workflow), [map, ...items], ["n0.n1"])).toEqual({
    n0: "running",
    "n0.n0": "succeeded",
    "n0.n1": undefined,
  });
});

test("from what a branch chose on: the branch chooses again", () => {
  const node = (id: string) => taskNode(id, ECHO, [bindTo("x", "", "x")]);
  const branch = branchOf("b", whenInput("x", "GT", 1), node("then"), node("else"), { inputs: [bindTo("x", "", "x")] });
  const after = taskNode("after", ECHO, [bindTo("x", "b", "x")]);
  const program = programOf(workflowOf("w", [branch, after], integerInterface(["x"], [])));
  const b = done("b", null, { kind: "branch" });
  const actions = [b, done("b-then", b), done("after")];
  expect(referenceOf(program, actions, ["b.b-then"])).toEqual({
    b: "running",
    "b.b-then": undefined,
    after: undefined,
  });
});

test("from inside of what a task wrote on: the task is not run again, and what follows in its workflow is done anew", () => {
  const task = done("n0", null, { isExpanded: true });
  const actions = [task, ...["n0", "n1", "n2"].map((id) => done(id, task)), done("n1")];
  const expansions = new Map([[task.ordinal, programOf(chainOf("written", ECHO, 3))]]);
  expect(referenceOf(chain, actions, ["n0.n1"], expansions)).toEqual({
    n0: "running",
    "n0.n0": "succeeded",
    "n0.n1": undefined,
    "n0.n2": undefined,
    n1: undefined,
  });
});
