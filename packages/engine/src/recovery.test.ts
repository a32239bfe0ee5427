import { expect, test } from "vitest";
import { closureOf, integersOf, promiseOf, runsWorkflow, type WorkflowSpec } from "../test/closures.ts";
import { Stage } from "../test/stage.ts";
import type { Reference } from "./reference.ts";

const inner: WorkflowSpec = {
  name: "inner",
  nodes: { a: { inputs: { x: promiseOf("") } }, b: { inputs: { x: promiseOf("a") } } },
  outputs: { x: promiseOf("b") },
};
const outer: WorkflowSpec = {
  nodes: {
    t: { inputs: { x: promiseOf("") } },
    sub: { inputs: { x: promiseOf("t") }, target: runsWorkflow("inner") },
  },
  outputs: { x: promiseOf("sub") },
};

/** What a played run has done, as the scheduler reads it from rows. */
function referenceTo(stage: Stage): Reference {
  const actions = [...stage.actions.values()];
  return {
    find: (parent, id) => actions.find((action) => action.parentOrdinal === parent && action.specNodeId === id),
    expansionOf: (ordinal) => stage.expansions.get(ordinal),
  };
}

/** A run that repeats another one; the values of the other are in the same store. */
function recovering(reference: Stage): Stage {
  const stage = new Stage(closureOf(outer, [inner]), {}, referenceTo(reference));
  for (const [key, bytes] of reference.values) stage.values.set(`${key}.reference`, bytes);
  stage.start();
  return stage;
}

test("what the recovered run finished is taken over, at any depth, and the rest runs", () => {
  const failed = new Stage(closureOf(outer, [inner]));
  failed.start();
  failed.succeeded("t");
  failed.succeeded("sub-0-a");
  failed.failed("sub-0-b");
  const stage = recovering(failed);
  expect(stage.action("t")).toMatchObject({ phase: "succeeded", isRecovered: true, attempts: 0 });
  expect(stage.action("sub-0-a")).toMatchObject({ phase: "succeeded", isRecovered: true });
  expect(stage.action("sub-0-b")).toMatchObject({ phase: "queued", isRecovered: false });
  expect(stage.action("sub-0-b").referenceOrdinal).toBe(failed.action("sub-0-b").ordinal);
  expect(integersOf(stage.value("sub-0-b", "inputs"))).toEqual({ x: 7 });
  expect(integersOf(stage.value("t", "outputs"))).toEqual({ x: 7 });
  stage.restore();
  stage.succeeded("sub-0-b");
  expect(stage.runRow.phase).toBe("succeeded");
});

test("a failure node, and what it is made of, is done anew for another failure", () => {
  const closure = closureOf(
    { nodes: { t: {} }, onFailure: { inputs: { x: promiseOf("") }, target: runsWorkflow("inner") } },
    [inner],
  );
  const failed = new Stage(closure);
  failed.start();
  failed.failed("t");
  failed.succeeded("fn-0-a");
  failed.failed("fn-0-b");
  const stage = new Stage(closure, {}, referenceTo(failed));
  for (const [key, bytes] of failed.values) stage.values.set(`${key}.reference`, bytes);
  stage.start();
  stage.failed("t");
  expect(stage.action("fn-0-a")).toMatchObject({ phase: "queued", isRecovered: false, referenceOrdinal: null });
});

test("a whole run that had finished is over at once", () => {
  const done = new Stage(closureOf(outer, [inner]));
  done.start();
  done.succeeded("t");
  done.succeeded("sub-0-a");
  done.succeeded("sub-0-b");
  const stage = recovering(done);
  expect(stage.phases()).toMatchObject({ run: "succeeded", t: "succeeded", sub: "succeeded" });
  expect(stage.phases()).not.toHaveProperty("sub-0-a");
});

test("what the task of the recovered run wrote is not written again, and its finished children are taken over", () => {
  const written = closureOf({
    name: "written",
    nodes: { dn0: {}, dn1: { inputs: { x: promiseOf("dn0") } } },
    outputs: { x: promiseOf("dn1") },
  });
  const failed = new Stage(closureOf(outer, [inner]));
  failed.start();
  failed.expanded("t", written);
  failed.succeeded("t-0-dn0");
  failed.failed("t-0-dn1");
  const stage = recovering(failed);
  expect(stage.action("t")).toMatchObject({ phase: "running", isExpanded: true, attempts: 0 });
  expect(stage.phases()).toMatchObject({ "t-0-dn0": "succeeded", "t-0-dn1": "queued" });
  stage.expansions.set(stage.action("t").ordinal, [...failed.expansions.values()][0] ?? stage.program);
  stage.restore();
  stage.succeeded("t-0-dn1");
  expect(stage.phases()).toMatchObject({ t: "succeeded", sub: "running" });
});

test("below what the recovered run never had, nothing is taken over", () => {
  const early = new Stage(closureOf(outer, [inner]));
  early.start();
  early.failed("t");
  const stage = recovering(early);
  stage.succeeded("t");
  expect(stage.action("sub-0-a")).toMatchObject({ phase: "queued", referenceOrdinal: null });
});
