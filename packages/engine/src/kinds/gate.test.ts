import type { MessageInitShape } from "@bufbuild/protobuf";
import type { GateNodeSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { closureOf, integersOf, type NodeSpec, promiseOf } from "../../test/closures.ts";
import { Stage } from "../../test/stage.ts";

type Condition = NonNullable<Exclude<MessageInitShape<typeof GateNodeSchema>, { $typeName: string }>["condition"]>;

function gated(condition: Condition, timeoutMs = 0): Stage {
  const gate: NodeSpec = {
    inputs: { x: promiseOf("") },
    timeoutMs,
    target: { case: "gateNode", value: { condition } },
  };
  const stage = new Stage(closureOf({ nodes: { gate, after: { after: ["gate"] } } }));
  stage.start();
  return stage;
}

const signal: Condition = { case: "signal", value: { signalId: "ok", outputVariableName: "o0" } };
const approve: Condition = { case: "approve", value: { signalId: "ok" } };
const set = (approved: boolean | null) => ({ type: "signalSet" as const, ordinal: 2, approved, principal: "me" });

test("a sleeping gate passes when its time is over", () => {
  const stage = gated({ case: "sleep", value: { duration: { seconds: 2n, nanos: 5e8 } } });
  expect([...stage.timers]).toEqual([["2.0.wake", 3_501]]);
  stage.restore();
  stage.fire("gate");
  expect(stage.phases()).toMatchObject({ gate: "succeeded", after: "queued" });
  expect(stage.timers.size).toBe(0);
});

test("a signal's gate opens the signal and passes with the value that was set", () => {
  const stage = gated(signal);
  expect(stage.action("gate")).toMatchObject({ kind: "gate", phase: "running", attempts: 0 });
  expect(stage.commands).toContainEqual({ type: "openSignal", ordinal: 2 });
  stage.restore();
  stage.play(set(null));
  expect(stage.phases()).toMatchObject({ gate: "succeeded", after: "queued" });
  expect(stage.play(set(null)).staleEvents).toBe(1);
});

test("an approved gate hands its inputs on, a rejected one fails", () => {
  const approved = gated(approve, 60_000);
  approved.play(set(true));
  expect(approved.phases()).toMatchObject({ gate: "succeeded", after: "queued" });
  expect(integersOf(approved.value("gate", "outputs"))).toEqual({ x: 1 });
  expect(approved.timers.size).toBe(0);

  const rejected = gated(approve);
  rejected.play(set(false));
  expect(rejected.runRow).toMatchObject({ phase: "failed", failure: { code: "ReceivedRejectSignal", kind: "user" } });
});

test("nobody's answer in time fails the gate, and what comes for another kind of gate changes nothing", () => {
  const stage = gated(signal, 1_000);
  expect(stage.play({ type: "timerFired", ordinal: 2, attempt: 0, timer: "wake" }).staleEvents).toBe(1);
  stage.fire("gate");
  expect(stage.runRow).toMatchObject({ phase: "failed", failure: { code: "TimeoutExpired" } });
  const asleep = gated({ case: "sleep", value: { duration: { seconds: 2n } } });
  expect(asleep.play(set(true)).staleEvents).toBe(1);
});

test("an aborted run ends its gates at once", () => {
  const stage = gated(signal, 1_000);
  stage.abort();
  expect(stage.phases()).toMatchObject({ run: "aborted", gate: "aborted" });
  expect(stage.timers.size).toBe(0);
});
