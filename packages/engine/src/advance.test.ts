import { create } from "@bufbuild/protobuf";
import { ConnectionSet_IdListSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { closureOf, integer, integersOf, literals, promiseOf, runsWorkflow } from "../test/closures.ts";
import { Stage } from "../test/stage.ts";
import { advance } from "./advance.ts";
import type { ValueRef } from "./event.ts";
import { readProgram } from "./graph.ts";
import { ChangeRecorder } from "./recorder.ts";
import { DEFAULT_POLICY } from "./retry.ts";
import { newRun } from "./state.ts";

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

test("a value is asked for once, even when a thousand nodes read it, and what was just written is not asked for", () => {
  const ids = Array.from({ length: 1_000 }, (_, index) => [`n${index}`, { inputs: { x: promiseOf("") } }]);
  const run = newRun();
  const recorder = new ChangeRecorder();
  const program = readProgram(closureOf({ nodes: Object.fromEntries(ids) }));
  const values = new Map<string, Uint8Array>();
  const source = { get: ({ ordinal, side }: ValueRef) => values.get(`${ordinal}.${side}`) };
  const events = [{ type: "runStarted" as const, atMs: 1 }];
  expect(advance(run, program, events, source, DEFAULT_POLICY, recorder)).toEqual([{ ordinal: 0, side: "outputs" }]);
  values.set("0.outputs", literals({ x: integer(1) }));
  expect(advance(run, program, [], source, DEFAULT_POLICY, recorder)).toEqual([]);
  expect(recorder.changes().commands).toHaveLength(1_000);
});

test("a node that waits for values is forgotten when its run ends first", () => {
  const run = newRun();
  const recorder = new ChangeRecorder();
  const program = readProgram(chain);
  const source = { get: () => undefined };
  advance(run, program, [{ type: "runStarted", atMs: 1 }], source, DEFAULT_POLICY, recorder);
  const abort = { type: "runAbortRequested" as const, atMs: 2, cause: "c", principal: "p" };
  expect(advance(run, program, [abort], source, DEFAULT_POLICY, recorder)).toEqual([]);
  expect(recorder.changes()).toMatchObject({ run: { phase: "aborted" }, attempts: [], commands: [] });
});

test("a binding to a node that is not upstream fails with a message", () => {
  const closure = closureOf({ nodes: { a: { inputs: { x: promiseOf("b") } }, b: {} } });
  const downstream = closure.primary?.connections?.downstream ?? {};
  const ids = (...found: string[]) => create(ConnectionSet_IdListSchema, { ids: found });
  Object.assign(downstream, { "start-node": ids("a", "b"), a: ids("end-node"), b: ids("end-node") });
  const stage = new Stage(closure);
  stage.start();
  expect(stage.action("a").failure?.message).toBe('Input "x" could not be resolved: node "b" has no value "x".');
});
