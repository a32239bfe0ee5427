import { fromBytes } from "@skein/idl";
import { LiteralMapSchema, SimpleType } from "@skein/idl/core";
import { expect, test } from "vitest";
import {
  closureOf,
  integersOf,
  promiseOf,
  runsTask,
  runsWorkflow,
  testId,
  type WorkflowSpec,
} from "../test/closures.ts";
import { Stage } from "../test/stage.ts";

const ERROR = { type: { case: "simple" as const, value: SimpleType.ERROR } };
const cleanUp = {
  id: testId("clean_up"),
  type: "echo",
  interface: { inputs: { variables: { err: { type: ERROR } } } },
};

const failing: WorkflowSpec = {
  nodes: { a: {}, b: {} },
  onFailure: { inputs: { x: promiseOf("") }, target: runsTask("clean_up") },
};

const start = (spec: WorkflowSpec, subs: WorkflowSpec[] = []) => {
  const stage = new Stage(closureOf(spec, subs, [cleanUp]));
  stage.start();
  return stage;
};

test("a failure node runs when all else is over, is told the error, and the first failure stays", () => {
  const stage = start(failing);
  stage.started("b");
  stage.failed("a");
  expect(stage.phases()).toMatchObject({ run: "failing", b: "aborting" });
  expect(stage.phases()).not.toHaveProperty("fn");
  stage.restore();
  stage.stopped("b");
  expect(stage.phases()).toMatchObject({ run: "failing", fn: "queued" });
  const { err } = fromBytes(LiteralMapSchema, stage.value("fn", "inputs") ?? new Uint8Array()).literals;
  const told = err?.value.case === "scalar" ? err.value.value.value : undefined;
  expect(told).toMatchObject({ case: "error", value: { message: "a broke", failedNodeId: "a" } });
  expect(integersOf(stage.value("fn", "inputs"))).toMatchObject({ x: 1 });
  stage.restore();
  stage.started("fn");
  stage.restore();
  stage.succeeded("fn");
  expect(stage.phases()).toMatchObject({ run: "failed", fn: "succeeded" });
  expect(stage.runRow.failure?.message).toBe("a broke");
});

test("a failure node is tried again as it grants, and its own failure changes nothing of the run's", () => {
  const stage = start({ ...failing, onFailure: { ...failing.onFailure, retries: 1 } });
  stage.failed("a");
  stage.failed("fn", { recoverable: true });
  stage.restore();
  stage.fire("fn");
  stage.failed("fn");
  expect(stage.phases()).toMatchObject({ run: "failed", fn: "failed" });
  expect(stage.runRow.failure?.message).toBe("a broke");
});

test("a failure node that fails at once ends its run, also while another node still waits for values", () => {
  const broken = { target: { case: "gateNode" as const, value: {} } };
  const stage = start({ nodes: { a: { inputs: { x: promiseOf("") } }, b: broken }, onFailure: broken });
  expect(stage.phases()).toMatchObject({ run: "failed", b: "failed", fn: "failed" });
  expect(stage.phases()).not.toHaveProperty("a");
});

test("an aborted run has no failure node, and ends one that runs", () => {
  const early = start(failing);
  early.abort();
  expect(early.phases()).toMatchObject({ run: "aborted" });
  expect(early.phases()).not.toHaveProperty("fn");
  const late = start(failing);
  late.failed("a");
  late.started("fn");
  late.abort();
  expect(late.phases()).toMatchObject({ run: "aborting", fn: "aborting" });
  late.restore();
  late.stopped("fn");
  expect(late.phases()).toMatchObject({ run: "aborted", fn: "aborted" });
});

test("a sub-workflow runs its failure node before it has failed; one that is ended from outside does not", () => {
  const outer: WorkflowSpec = {
    nodes: { sub: { inputs: { x: promiseOf("") }, target: runsWorkflow("inner") }, other: {} },
  };
  const inner = { ...failing, name: "inner" };
  const stage = start(outer, [inner]);
  stage.failed("sub-0-a");
  expect(stage.phases()).toMatchObject({ run: "running", sub: "failing", "sub-0-fn": "queued" });
  stage.restore();
  stage.succeeded("sub-0-fn");
  expect(stage.phases()).toMatchObject({ run: "failed", sub: "failed", other: "aborted" });

  const ended = start(outer, [inner]);
  ended.failed("sub-0-a");
  ended.started("sub-0-fn");
  ended.failed("other");
  expect(ended.phases()).toMatchObject({ run: "failing", sub: "aborting", "sub-0-fn": "aborting" });
  ended.restore();
  ended.stopped("sub-0-fn");
  expect(ended.phases()).toMatchObject({ run: "failed", sub: "aborted" });
});

test("a failure workflow runs under the failing one", () => {
  const stage = start({ ...failing, onFailure: { target: runsWorkflow("rescue") } }, [
    { name: "rescue", nodes: { r: {} } },
  ]);
  stage.failed("a");
  expect(stage.phases()).toMatchObject({ run: "failing", fn: "running", "fn-0-r": "queued" });
  stage.restore();
  stage.succeeded("fn-0-r");
  expect(stage.phases()).toMatchObject({ run: "failed", fn: "succeeded" });
});
