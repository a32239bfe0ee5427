import { expect, test } from "vitest";
import { closureOf, integersOf, promiseOf, runsWorkflow } from "../test/closures.ts";
import { Stage } from "../test/stage.ts";

const chain = closureOf({
  nodes: { n0: { inputs: { x: promiseOf("") } }, n1: { inputs: { x: promiseOf("n0") } } },
  outputs: { x: promiseOf("n1") },
});

test("a chain runs node after node and hands values on", () => {
  const stage = new Stage(chain);
  expect(stage.start().commands).toEqual([{ type: "dispatchAttempt", ordinal: 2, attempt: 0 }]);
  expect(stage.phases()).toEqual({ run: "running", "start-node": "succeeded", "end-node": "queued", n0: "queued" });
  expect(integersOf(stage.value("n0", "inputs"))).toEqual({ x: 1 });
  stage.started("n0");
  expect(stage.phases()).toMatchObject({ n0: "running" });
  stage.succeeded("n0");
  stage.succeeded("n1");
  expect(stage.phases()).toEqual({
    run: "succeeded",
    "start-node": "succeeded",
    "end-node": "succeeded",
    n0: "succeeded",
    n1: "succeeded",
  });
  expect(integersOf(stage.value("end-node", "inputs"))).toEqual({ x: 7 });
});

test("a sub-workflow's nodes are children of its action and its outputs become the action's", () => {
  const inner = { name: "inner", nodes: { a: { inputs: { x: promiseOf("") } } }, outputs: { x: promiseOf("a") } };
  const outer = {
    nodes: { n0: { inputs: { x: promiseOf("") }, target: runsWorkflow("inner") } },
    outputs: { x: promiseOf("n0") },
  };
  const stage = new Stage(closureOf(outer, [inner]));
  stage.start();
  expect(stage.action("n0-0-a")).toMatchObject({
    parentOrdinal: 2,
    specNodeId: "a",
    kind: "task",
    taskKey: "p:d:echo:v",
  });
  expect(stage.action("n0-0-end-node").phase).toBe("queued");
  stage.succeeded("n0-0-a");
  expect(stage.phases().run).toBe("succeeded");
  expect(integersOf(stage.value("n0", "outputs"))).toEqual({ x: 7 });
});
