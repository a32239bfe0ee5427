import { fromBytes } from "@skein/idl";
import { LiteralMapSchema, SimpleType } from "@skein/idl/core";
import { expect, test } from "vitest";
import { closureOf, promiseOf, runsTask, runsWorkflow, testId, type WorkflowSpec } from "../test/closures.ts";
import { Stage } from "../test/stage.ts";

const three = (isPatient: boolean): WorkflowSpec => ({ isPatient, nodes: { a: {}, b: {}, after: { after: ["b"] } } });

test("failing immediately aborts what is queued, stops what runs, and fails last with the first failure", () => {
  const stage = new Stage(closureOf({ nodes: { a: {}, b: {}, c: {}, after: { after: ["a"] } } }));
  stage.start();
  stage.started("b");
  stage.failed("a");
  expect(stage.phases()).toMatchObject({
    run: "failing",
    a: "failed",
    b: "aborting",
    c: "aborted",
    "end-node": "queued",
  });
  expect(stage.attempt("c").phase).toBe("aborted");
  expect(stage.attempt("b").phase).toBe("aborting");
  stage.stopped("b");
  expect(stage.phases()).toMatchObject({ run: "failed", b: "aborted", "end-node": "aborted" });
  expect(stage.phases()).not.toHaveProperty("after");
  expect(stage.runRow.failure).toEqual({ code: "Boom", message: "a broke", kind: "user", recoverable: false });
});

test("what becomes ready in the batch of a failure is not started", () => {
  const stage = new Stage(closureOf({ nodes: { a: {}, b: {}, after: { after: ["b"] } } }));
  stage.start();
  const failure = { code: "Boom", message: "m", kind: "user" as const, recoverable: false };
  stage.play({ type: "attemptSucceeded", ...stage.idOf("b") }, { type: "attemptFailed", ...stage.idOf("a"), failure });
  expect(stage.phases()).toEqual({
    run: "failed",
    "start-node": "succeeded",
    "end-node": "aborted",
    a: "failed",
    b: "succeeded",
  });
});

test("an outcome that arrives while the workflow fails is an abort, and further failures do not replace the first", () => {
  const stage = new Stage(closureOf({ nodes: { a: {}, b: {}, c: {} } }));
  stage.start();
  stage.started("b", "c");
  stage.failed("a");
  stage.succeeded("b");
  stage.failed("c");
  expect(stage.phases()).toMatchObject({ run: "failed", b: "aborted", c: "aborted" });
  expect(stage.runRow.failure?.message).toBe("a broke");
});

test("the patient policy lets other nodes go on and reports the last failure", () => {
  const stage = new Stage(
    closureOf({ isPatient: true, nodes: { a: {}, b: {}, after: { after: ["b"] }, never: { after: ["a"] } } }),
  );
  stage.start();
  stage.failed("a");
  expect(stage.phases()).toMatchObject({ run: "running", b: "queued" });
  stage.succeeded("b");
  stage.failed("after");
  expect(stage.phases()).toMatchObject({ run: "failed", after: "failed", "end-node": "aborted" });
  expect(stage.phases()).not.toHaveProperty("never");
  expect(stage.runRow.failure?.message).toBe("after broke");
});

test("of two failures at the same moment the patient policy reports the node created later", () => {
  for (const order of [
    ["a", "b"],
    ["b", "a"],
  ] as const) {
    const stage = new Stage(closureOf({ isPatient: true, nodes: { a: {}, b: {} } }));
    stage.start();
    stage.play(
      ...order.map((name) => ({
        type: "attemptFailed" as const,
        ...stage.idOf(name),
        failure: { code: "Boom", message: name, kind: "user" as const, recoverable: false },
      })),
    );
    expect(stage.runRow.failure?.message).toBe("b");
  }
});

test("a failing sub-workflow ends its children first and then fails its parent under the parent's policy", () => {
  for (const isPatient of [false, true]) {
    const outer: WorkflowSpec = { isPatient, nodes: { sub: { target: runsWorkflow("inner") }, other: {} } };
    const stage = new Stage(closureOf(outer, [{ ...three(false), name: "inner" }]));
    stage.start();
    stage.started("sub-0-b", "other");
    stage.failed("sub-0-a");
    expect(stage.phases()).toMatchObject({ run: "running", sub: "failing", "sub-0-b": "aborting", other: "running" });
    stage.stopped("sub-0-b");
    expect(stage.phases()).toMatchObject({ sub: "failed", "sub-0-end-node": "aborted" });
    expect(stage.action("sub").failure).toMatchObject({ message: "sub-0-a broke" });
    expect(stage.phases()).toMatchObject(
      isPatient ? { run: "running", other: "running" } : { run: "failing", other: "aborting" },
    );
    if (isPatient) stage.succeeded("other");
    else stage.stopped("other");
    expect(stage.runRow).toMatchObject({ phase: "failed", failure: { message: "sub-0-a broke" } });
  }
});

test("an abort ends everything, sub-workflows included, and keeps its cause", () => {
  const outer: WorkflowSpec = { nodes: { sub: { target: runsWorkflow("inner") }, waiting: { retries: 1 } } };
  const stage = new Stage(closureOf(outer, [{ ...three(false), name: "inner" }]));
  stage.start();
  stage.failed("waiting", { recoverable: true });
  stage.started("sub-0-a");
  expect(stage.abort().commands).toEqual([{ type: "clearTimers", ordinal: 5, attempt: 1 }]);
  expect(stage.phases()).toMatchObject({
    run: "aborting",
    sub: "aborting",
    "sub-0-a": "aborting",
    "sub-0-b": "aborted",
    waiting: "aborted",
  });
  stage.abort();
  expect(stage.staleEvents).toBe(1);
  stage.stopped("sub-0-a");
  expect(stage.phases()).toMatchObject({ run: "aborted", sub: "aborted", "sub-0-a": "aborted", "end-node": "aborted" });
  expect(stage.runRow).toMatchObject({ abortCause: "enough", abortPrincipal: "me", failure: null });
  stage.abort();
  expect(stage.staleEvents).toBe(2);
});

test("a run aborted before it started, or in the batch of its start, dispatches nothing", () => {
  const early = new Stage(closureOf(three(false)));
  early.abort();
  expect(early.phases()).toEqual({ run: "aborted" });
  early.start();
  expect(early.staleEvents).toBe(1);

  const stage = new Stage(closureOf(three(false)));
  const changes = stage.play({ type: "runStarted" }, { type: "runAbortRequested", cause: "c", principal: "p" });
  expect(changes).toMatchObject({ attempts: [], commands: [] });
  expect(stage.phases()).toEqual({ run: "aborted", "start-node": "succeeded", "end-node": "aborted" });
});

test("an abort of a failing run turns it into an aborted one", () => {
  const stage = new Stage(closureOf({ nodes: { a: {}, b: {} } }));
  stage.start();
  stage.started("b");
  stage.failed("a");
  stage.abort();
  expect(stage.phases()).toMatchObject({ run: "aborting", b: "aborting" });
  stage.stopped("b");
  expect(stage.phases()).toMatchObject({ run: "aborted", b: "aborted", a: "failed" });
});

test("an abort around a failing sub-workflow lets that one fail and aborts the rest", () => {
  const outer: WorkflowSpec = { nodes: { sub: { target: runsWorkflow("inner") } } };
  const stage = new Stage(closureOf(outer, [{ ...three(false), name: "inner" }]));
  stage.start();
  stage.started("sub-0-b");
  stage.failed("sub-0-a");
  stage.abort();
  expect(stage.phases()).toMatchObject({ run: "aborting", sub: "failing" });
  stage.stopped("sub-0-b");
  expect(stage.phases()).toMatchObject({ run: "aborted", sub: "failed" });
});

test("an abort during a timed-out attempt's stop ends as an abort", () => {
  const stage = new Stage(closureOf({ nodes: { a: { timeoutMs: 10, retries: 3 } } }));
  stage.start();
  stage.started("a");
  stage.fire("a");
  stage.abort();
  stage.stopped("a");
  expect(stage.attempt("a")).toMatchObject({ phase: "aborted", failure: null });
  expect(stage.phases()).toMatchObject({ run: "aborted", a: "aborted" });
});

test("children end in batches, each asking for the next, and nothing happens twice", () => {
  const stage = new Stage(closureOf({ nodes: { a: {}, b: {}, c: {}, d: {} } }), { endingBatchMax: 2 });
  stage.start();
  stage.started("d");
  const first = stage.abort();
  expect(first.commands).toEqual([{ type: "continue" }]);
  expect(stage.phases()).toMatchObject({ a: "aborted", b: "aborted", c: "queued", d: "running" });
  stage.succeeded("c");
  expect(stage.phases()).toMatchObject({ c: "aborted", d: "aborting" });
  expect(stage.play({ type: "continued" }).commands).toEqual([]);
  stage.stopped("d");
  expect(stage.runRow.phase).toBe("aborted");
});

test("a back-off that ends while its workflow ends dispatches nothing", () => {
  const stage = new Stage(closureOf({ nodes: { a: {}, b: { retries: 1 } } }), { endingBatchMax: 1 });
  stage.start();
  stage.failed("b", { recoverable: true });
  stage.abort();
  expect(stage.phases()).toMatchObject({ a: "aborted", b: "queued" });
  expect(stage.fire("b").commands).toEqual([{ type: "clearTimers", ordinal: 3, attempt: 1 }]);
  expect(stage.phases()).toMatchObject({ run: "aborted", b: "aborted" });
});

test("the outputs of a workflow that cannot be resolved fail it", () => {
  const inner: WorkflowSpec = { name: "inner", nodes: {}, outputs: { x: promiseOf("", "nothing") } };
  const stage = new Stage(closureOf({ nodes: { sub: { target: runsWorkflow("inner") } } }, [inner]));
  stage.start();
  expect(stage.phases()).toMatchObject({
    run: "failed",
    sub: "failed",
    "sub-0-end-node": "failed",
    "end-node": "aborted",
  });
  expect(stage.runRow.failure?.code).toBe("BindingResolutionFailure");
});

test("the inputs of a sub-workflow that cannot be resolved fail it before it begins", () => {
  const outer: WorkflowSpec = {
    nodes: { sub: { inputs: { x: promiseOf("", "nothing") }, target: runsWorkflow("inner") } },
  };
  const stage = new Stage(closureOf(outer, [{ name: "inner", nodes: {} }]));
  stage.start();
  expect(stage.phases()).toEqual({ run: "failed", sub: "failed", "start-node": "succeeded", "end-node": "aborted" });
});

test("a kind of node that cannot run fails cleanly and says why", () => {
  const stage = new Stage(closureOf({ nodes: { gate: { target: { case: "gateNode", value: {} } } } }));
  stage.start();
  expect(stage.phases()).toMatchObject({ run: "failed", gate: "failed" });
  expect(stage.runRow.failure).toEqual({
    code: "NotSupported",
    message: "The gate does not say what it waits for.",
    kind: "user",
    recoverable: false,
  });
});

test("a workflow that can get no further fails instead of waiting for ever", () => {
  const stage = new Stage(
    closureOf({ nodes: { a: { after: ["b"] }, b: { after: ["a"] } }, outputs: { x: promiseOf("a") } }),
  );
  stage.start();
  expect(stage.runRow).toMatchObject({ phase: "failed", failure: { code: "WorkflowStalled", kind: "system" } });
});

test("where no node has failed, a failure node is told of none", () => {
  const err = { type: { case: "simple" as const, value: SimpleType.ERROR } };
  const cleanUp = {
    id: testId("clean_up"),
    type: "echo",
    interface: { inputs: { variables: { err: { type: err } } } },
  };
  const spec = { nodes: { a: { after: ["b"] }, b: { after: ["a"] } }, outputs: { x: promiseOf("a") } };
  const stage = new Stage(closureOf({ ...spec, onFailure: { target: runsTask("clean_up") } }, [], [cleanUp]));
  stage.start();
  const told = fromBytes(LiteralMapSchema, stage.value("fn", "inputs") ?? new Uint8Array()).literals.err;
  expect(told).toMatchObject({ value: { value: { value: { value: { failedNodeId: "" } } } } });
  expect(stage.succeeded("fn").run).toMatchObject({ phase: "failed", failure: { code: "WorkflowStalled" } });
});

test("sub-workflows without nodes complete at once, however many follow each other", () => {
  const ids = Array.from({ length: 3_000 }, (_, index) => `n${index}`);
  const nodes = Object.fromEntries(
    ids.map((id, index) => [id, { after: index ? [`n${index - 1}`] : [], target: runsWorkflow("empty") }]),
  );
  const stage = new Stage(closureOf({ nodes }, [{ name: "empty", nodes: {} }]));
  stage.start();
  expect(stage.runRow.phase).toBe("succeeded");
});
