import { expect, test } from "vitest";
import { closureOf, type NodeSpec, promiseOf, testId } from "../../test/closures.ts";
import { Stage } from "../../test/stage.ts";

const runsPlan: NonNullable<NodeSpec["target"]> = {
  case: "workflowNode",
  value: { reference: { case: "launchplanRef", value: testId("plan") } },
};

function launching(node: NodeSpec = {}): Stage {
  const child = { inputs: { x: promiseOf("") }, target: runsPlan, ...node };
  const stage = new Stage(closureOf({ nodes: { child, after: { after: ["child"] } } }));
  stage.start();
  return stage;
}

const broke = { code: "Boom", message: "the child broke", kind: "user" as const, recoverable: false };
const ended = (phase: "succeeded" | "failed" | "aborted", attempt = 0) => ({
  type: "childEnded" as const,
  ordinal: 2,
  attempt,
  phase,
  failure: phase === "failed" ? broke : null,
});
const errand = (name: "launch_child" | "abort_child", attempt = 0) => ({
  type: "runErrand",
  errand: name,
  ordinal: 2,
  attempt,
});

test("a launch plan asks for a child run and goes on when that has succeeded", () => {
  const stage = launching();
  expect(stage.commands).toEqual([errand("launch_child")]);
  expect(stage.action("child")).toMatchObject({ kind: "launch_plan", phase: "running", attempts: 1 });
  stage.restore();
  stage.play(ended("succeeded"));
  expect(stage.phases()).toMatchObject({ child: "succeeded", after: "queued" });
  expect(stage.play(ended("succeeded")).staleEvents).toBe(1);
});

test("a child that failed or was aborted fails its parent, in its own words", () => {
  const failed = launching();
  failed.play(ended("failed"));
  expect(failed.runRow).toMatchObject({ phase: "failed", failure: broke });
  const aborted = launching();
  aborted.play(ended("aborted"));
  expect(aborted.runRow.failure).toMatchObject({ code: "ChildRunAborted", kind: "user" });
});

test("retries of the node launch another child each", () => {
  const stage = launching({ retries: 1 });
  expect(stage.play(ended("failed")).commands).toEqual([errand("launch_child", 1)]);
  stage.restore();
  expect(stage.play(ended("failed")).staleEvents, "it waits for the second child").toBe(1);
  stage.play(ended("failed", 1));
  expect(stage.runRow.failure).toMatchObject({ code: "RetriesExhausted|Boom" });
});

test("a child that takes too long is aborted and fails its parent, whatever becomes of it", () => {
  for (const phase of ["aborted", "succeeded"] as const) {
    const stage = launching({ timeoutMs: 1_000 });
    expect(stage.fire("child").commands).toEqual([errand("abort_child")]);
    expect(stage.phases()).toMatchObject({ run: "running", child: "failing" });
    stage.restore();
    stage.play(ended(phase));
    expect(stage.runRow).toMatchObject({ phase: "failed", failure: { code: "TimeoutExpired" } });
  }
});

test("an aborted run aborts its child and is over when that is", () => {
  for (const phase of ["aborted", "succeeded"] as const) {
    const stage = launching({ timeoutMs: 1_000 });
    expect(stage.abort().commands).toContainEqual(errand("abort_child"));
    expect(stage.phases()).toMatchObject({ run: "aborting", child: "aborting" });
    expect(stage.timers.size).toBe(0);
    stage.restore();
    stage.play(ended(phase));
    expect(stage.phases()).toMatchObject({ run: "aborted", child: "aborted" });
  }
});

test("a child that ends while its parent's run is about to be ended counts as aborted", () => {
  const stage = launching();
  stage.play({ type: "runAbortRequested", cause: "enough", principal: "me" }, ended("failed"));
  expect(stage.phases()).toMatchObject({ run: "aborted", child: "aborted" });
});

test("a child told to abort for its time is not told again when the run is aborted", () => {
  const stage = launching({ timeoutMs: 1_000 });
  stage.fire("child");
  expect(stage.abort().commands.filter(({ type }) => type === "runErrand")).toEqual([]);
  stage.play(ended("aborted"));
  expect(stage.phases()).toMatchObject({ run: "aborted", child: "aborted" });
});

test("timers that are nobody's and inputs that cannot be resolved", () => {
  const stage = launching();
  expect(stage.play({ type: "timerFired", ordinal: 2, attempt: 0, timer: "backoff" }).staleEvents).toBe(1);
  const unbound = launching({ inputs: { x: promiseOf("", "nothing") } });
  expect(unbound.phases()).toMatchObject({ run: "failed", child: "failed" });
});
