import { expect, test } from "vitest";
import { closureOf, promiseOf, testId } from "../../test/closures.ts";
import { Stage } from "../../test/stage.ts";

const one = (node: { retries?: number; timeoutMs?: number } = {}) =>
  new Stage(closureOf({ nodes: { n0: { inputs: { x: promiseOf("") }, ...node } }, outputs: { x: promiseOf("n0") } }));

const recoverable = { recoverable: true };

test("an attempt's life sets phases and times, and a deadline when the node has a timeout", () => {
  const stage = one({ timeoutMs: 5_000 });
  stage.start();
  expect(stage.attempt("n0")).toMatchObject({ phase: "queued", queuedAtMs: 1_001, startedAtMs: null });
  expect(stage.started("n0").commands).toEqual([
    { type: "setTimer", ordinal: 2, attempt: 0, timer: "deadline", dueAtMs: 6_002 },
  ]);
  expect(stage.attempt("n0")).toMatchObject({ phase: "running", startedAtMs: 1_002 });
  expect(stage.succeeded("n0").commands).toEqual([{ type: "clearTimers", ordinal: 2, attempt: 0 }]);
  expect(stage.attempt("n0")).toMatchObject({ phase: "succeeded", startedAtMs: 1_002, endedAtMs: 1_003 });
  expect(stage.action("n0")).toMatchObject({ attempts: 1, startedAtMs: 1_002, endedAtMs: 1_003, failure: null });
});

test("a success that overtakes the start is taken, and its start time is kept within what we know", () => {
  for (const [reported, kept] of [
    [1_002, 1_002],
    [5, 1_001],
    [99_999, 1_002],
  ]) {
    const stage = one();
    stage.start();
    stage.values.set("2.outputs", new Uint8Array());
    stage.play({ type: "attemptSucceeded", ordinal: 2, attempt: 0, startedAtMs: reported ?? null });
    expect(stage.attempt("n0")).toMatchObject({ phase: "succeeded", startedAtMs: kept });
  }
});

test("a failure before anything started leaves the start open", () => {
  const stage = one();
  stage.start();
  const failure = { code: "NoImage", message: "m", kind: "user" as const, recoverable: false };
  stage.play({ type: "attemptFailed", ordinal: 2, attempt: 0, startedAtMs: null, failure });
  expect(stage.attempt("n0")).toMatchObject({ phase: "failed", startedAtMs: null, failure });
  expect(stage.runRow).toMatchObject({ phase: "failed", failure });
});

test("a recoverable failure is tried again after its back-off, until the retries are spent", () => {
  const stage = one({ retries: 1 });
  stage.start();
  stage.started("n0");
  expect(stage.failed("n0", recoverable).commands).toEqual([
    { type: "setTimer", ordinal: 2, attempt: 1, timer: "backoff", dueAtMs: 1_103 },
  ]);
  expect(stage.action("n0")).toMatchObject({ phase: "queued", attempts: 1, userFailures: 1 });
  expect(stage.fire("n0").commands).toEqual([{ type: "dispatchAttempt", ordinal: 2, attempt: 1 }]);
  stage.started("n0");
  stage.failed("n0", recoverable);
  const failure = {
    code: "RetriesExhausted|Boom",
    message: "[2/2] currentAttempt done. Last Error: USER::n0 broke",
    kind: "user",
    recoverable: false,
  };
  expect(stage.action("n0")).toMatchObject({ phase: "failed", attempts: 2, userFailures: 2, failure });
  expect(stage.attempt("n0").failure).toMatchObject({ code: "Boom", recoverable: true });
  expect(stage.runRow).toMatchObject({ phase: "failed", failure });
});

test("a lost attempt spends the system's budget, not the user's", () => {
  const stage = one();
  stage.start();
  for (let lost = 1; lost <= 3; lost += 1) {
    stage.lost("n0");
    expect(stage.action("n0")).toMatchObject({ phase: "queued", userFailures: 0, systemFailures: lost });
    stage.fire("n0");
  }
  stage.lost("n0");
  expect(stage.runRow.failure).toMatchObject({
    code: "RetriesExhausted|AgentLost",
    message: "[4/4] currentAttempt done. Last Error: SYSTEM::agent a1 is gone",
  });
});

test("an agent that stops an attempt on its own has lost it", () => {
  const stage = one();
  stage.start();
  stage.started("n0");
  stage.stopped("n0");
  expect(stage.attempt("n0")).toMatchObject({ phase: "failed", failure: { code: "AgentLost", kind: "system" } });
  expect(stage.action("n0")).toMatchObject({ phase: "queued", systemFailures: 1 });
});

test("an attempt that runs out of time is stopped first and fails then, whatever the agent reports", () => {
  const ends = [
    (stage: Stage) => stage.stopped("n0"),
    (stage: Stage) => stage.succeeded("n0"),
    (stage: Stage) => stage.failed("n0"),
    (stage: Stage) => stage.lost("n0"),
  ];
  for (const end of ends) {
    const stage = one({ timeoutMs: 2_500, retries: 0 });
    stage.start();
    stage.started("n0");
    stage.fire("n0");
    expect(stage.attempt("n0").phase).toBe("aborting");
    expect(stage.action("n0").phase).toBe("running");
    end(stage);
    expect(stage.attempt("n0")).toMatchObject({
      phase: "failed",
      failure: { code: "TimeoutExpired", recoverable: true },
    });
    expect(stage.runRow.failure).toMatchObject({
      code: "RetriesExhausted|TimeoutExpired",
      message: "[1/1] currentAttempt done. Last Error: USER::task execution timeout [2.5s] expired",
      kind: "user",
    });
  }
});

test("a deadline that fires before the start is ignored", () => {
  const stage = one({ timeoutMs: 10 });
  stage.start();
  stage.play({ type: "timerFired", ordinal: 2, attempt: 0, timer: "deadline" });
  expect(stage.attempt("n0").phase).toBe("queued");
  expect(stage.staleEvents).toBe(1);
});

test("late, repeated and foreign reports change nothing and are counted", () => {
  const stage = one({ retries: 1 });
  stage.start();
  stage.started("n0");
  stage.failed("n0", recoverable);
  stage.fire("n0");
  const before = structuredClone(stage.stored());
  const old = { ordinal: 2, attempt: 0 };
  const failure = { code: "Late", message: "m", kind: "user" as const, recoverable: false };
  const changes = stage.play(
    { type: "attemptStarted", ...old },
    { type: "attemptSucceeded", ...old },
    { type: "attemptFailed", ...old, failure },
    { type: "attemptLost", ...old, message: "m" },
    { type: "attemptStopped", ...old },
    { type: "timerFired", ...old, timer: "deadline" },
    { type: "timerFired", ...old, timer: "backoff" },
    { type: "timerFired", ordinal: 2, attempt: 1, timer: "backoff" },
    { type: "attemptSucceeded", ordinal: 2, attempt: 7 },
    { type: "attemptSucceeded", ordinal: 0, attempt: -1 },
    { type: "attemptSucceeded", ordinal: 77, attempt: 0 },
    { type: "runStarted" },
  );
  expect(changes.staleEvents).toBe(12);
  expect(stage.stored()).toEqual(before);
  stage.started("n0");
  stage.started("n0");
  expect(stage.staleEvents).toBe(13);
});

test("a back-off ends only for the attempt it was set for", () => {
  const stage = one({ retries: 2 });
  stage.start();
  stage.failed("n0", recoverable);
  const changes = stage.play(
    { type: "timerFired", ordinal: 2, attempt: 0, timer: "backoff" },
    { type: "timerFired", ordinal: 2, attempt: 2, timer: "backoff" },
    { type: "timerFired", ordinal: 1, attempt: 0, timer: "backoff" },
  );
  expect(changes).toMatchObject({ staleEvents: 3, attempts: [] });
});

test("an input that cannot be resolved fails the node without an attempt", () => {
  const stage = new Stage(closureOf({ nodes: { n0: { inputs: { x: promiseOf("", "nothing") } } } }));
  stage.start();
  expect(stage.action("n0")).toMatchObject({
    phase: "failed",
    attempts: 0,
    failure: { code: "BindingResolutionFailure", kind: "system" },
  });
  expect(stage.runRow.phase).toBe("failed");
});

test("the task's key stands in its action", () => {
  const stage = new Stage(closureOf({ nodes: { n0: {} } }, [], [{ id: testId("other"), type: "t" }]));
  expect(stage.start().newActions.map(({ kind, taskKey }) => [kind, taskKey])).toEqual([
    ["start", null],
    ["end", null],
    ["task", "p:d:echo:v"],
  ]);
});
