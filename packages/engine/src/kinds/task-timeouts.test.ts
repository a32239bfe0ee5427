import { expect, test } from "vitest";
import { closureOf, promiseOf } from "../../test/closures.ts";
import { dump } from "../../test/laws.ts";
import { Stage } from "../../test/stage.ts";
import { restoreRun } from "../restore.ts";
import type { EngineLimits } from "../run-limits.ts";

const one = (node: { retries?: number; timeoutMs?: number }, limits: Partial<EngineLimits> = {}) => {
  const nodes = { n0: { inputs: { x: promiseOf("") }, ...node } };
  const stage = new Stage(closureOf({ nodes, outputs: { x: promiseOf("n0") } }), {}, null, limits);
  stage.start();
  return stage;
};

function restore(stage: Stage): void {
  const restored = restoreRun(stage.program, stage.stored(), stage.policy);
  expect(dump(restored)).toEqual(dump(stage.run));
  stage.run = restored;
}

const recoverable = { recoverable: true };
const total = { type: "timerFired", ordinal: 2, attempt: -1, timer: "total" } as const;
const timedOut = {
  code: "Timeout",
  message: "Timeout in node n0: task active timeout [10s] expired",
  kind: "user",
  recoverable: false,
};

test("all attempts together may take twice the time of one, from the first start on", () => {
  const stage = one({ timeoutMs: 5_000, retries: 5 });
  stage.started("n0");
  expect([...stage.timers.keys()]).toEqual(["2.0.deadline"]);
  stage.failed("n0", recoverable);
  expect([...stage.timers]).toEqual([
    ["2.1.backoff", 1_103],
    ["2.-1.total", 11_002],
  ]);
  restore(stage);
  stage.timers.delete("2.1.backoff");
  stage.play({ type: "timerFired", ordinal: 2, attempt: 1, timer: "backoff" });
  stage.started("n0");
  stage.timers.delete("2.-1.total");
  stage.play(total);
  expect(stage.attempt("n0")).toMatchObject({ phase: "aborting", failure: timedOut });
  restore(stage);
  stage.stopped("n0");
  expect(stage.runRow).toMatchObject({ phase: "failed", failure: timedOut });
  expect([...stage.timers.keys()]).toEqual([]);
  expect(stage.play(total).staleEvents).toBe(1);
});

test("the time of all attempts ends one that is being stopped for its own, one that waits, and a back-off", () => {
  const stopping = one({ timeoutMs: 5_000, retries: 5 });
  stopping.started("n0");
  stopping.fire("n0");
  expect(stopping.attempt("n0")).toMatchObject({ phase: "aborting", failure: { code: "TimeoutExpired" } });
  stopping.play(total);
  stopping.stopped("n0");
  expect(stopping.runRow.failure).toEqual(timedOut);

  const queued = one({ timeoutMs: 5_000, retries: 5 });
  queued.play(total);
  expect(queued.attempt("n0")).toMatchObject({ phase: "failed", failure: timedOut });
  expect(queued.runRow.failure).toEqual(timedOut);

  const backingOff = one({ timeoutMs: 5_000, retries: 5 });
  backingOff.started("n0");
  backingOff.failed("n0", recoverable);
  backingOff.timers.delete("2.-1.total");
  backingOff.play(total);
  expect(backingOff.runRow.failure).toEqual(timedOut);
  expect([...backingOff.timers.keys()]).toEqual([]);
});

test("a task that succeeds in time, or is aborted between two attempts, leaves no timer", () => {
  const late = one({ timeoutMs: 5_000, retries: 1 });
  late.started("n0");
  late.failed("n0", recoverable);
  late.timers.delete("2.1.backoff");
  late.play({ type: "timerFired", ordinal: 2, attempt: 1, timer: "backoff" });
  late.started("n0");
  late.succeeded("n0");
  expect([...late.timers.keys()]).toEqual([]);

  const aborted = one({ timeoutMs: 5_000, retries: 1 });
  aborted.started("n0");
  aborted.failed("n0", recoverable);
  aborted.abort();
  expect([...aborted.timers.keys()]).toEqual([]);
  expect(aborted.play(total).staleEvents).toBe(1);
  expect(one({ retries: 1 }).play(total).staleEvents).toBe(1);
});

test("an attempt that nobody begins in time fails its action at once, with what is known of why", () => {
  const stage = one({ retries: 3 }, { queueTimeoutMs: 2_000 });
  expect([...stage.timers]).toEqual([["2.0.queue", 3_001]]);
  restore(stage);
  stage.timers.clear();
  stage.play({ type: "timerFired", ordinal: 2, attempt: 0, timer: "queue", note: "No agent serves pool gpu." });
  const message = "The attempt waited 2 s and was not begun. No agent serves pool gpu.";
  expect(stage.attempt("n0")).toMatchObject({ phase: "failed", failure: { code: "QueueTimeout", message } });
  expect(stage.action("n0")).toMatchObject({ phase: "failed", attempts: 1, userFailures: 1 });
  expect(stage.runRow).toMatchObject({ phase: "failed", failure: { code: "QueueTimeout", kind: "user" } });
  const silent = one({}, { queueTimeoutMs: 2_000 });
  silent.play({ type: "timerFired", ordinal: 2, attempt: 0, timer: "queue" });
  expect(silent.runRow.failure?.message).toBe("The attempt waited 2 s and was not begun.");
});

test("an attempt that has begun waits for nobody any more, and each one may wait anew", () => {
  const stage = one({ retries: 1 }, { queueTimeoutMs: 2_000 });
  stage.started("n0");
  const fired = { type: "timerFired", ordinal: 2, attempt: 0, timer: "queue" } as const;
  expect(stage.play(fired).staleEvents).toBe(1);
  stage.failed("n0", recoverable);
  expect([...stage.timers.keys()]).toEqual(["2.1.backoff"]);
  stage.fire("n0");
  expect([...stage.timers.keys()]).toEqual(["2.1.queue"]);
  stage.abort();
  expect([...stage.timers.keys()]).toEqual([]);
  const queued = one({}, { queueTimeoutMs: 2_000 });
  queued.succeeded("n0");
  expect([...queued.timers.keys()]).toEqual([]);
});

test("an attempt whose run is ending is not failed for having waited", () => {
  const nodes = { a: {}, b: {} };
  const stage = new Stage(closureOf({ nodes }), { endingBatchMax: 1 }, null, { queueTimeoutMs: 2_000 });
  stage.start();
  stage.abort();
  expect(stage.phases()).toMatchObject({ a: "aborted", b: "queued" });
  stage.play({ type: "timerFired", ...stage.idOf("b"), timer: "queue" });
  expect(stage.attempt("b")).toMatchObject({ phase: "aborted", failure: null });
  expect([...stage.timers.keys()]).toEqual([]);
});
