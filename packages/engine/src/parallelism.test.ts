import { expect, test } from "vitest";
import {
  closureOf,
  integer,
  literals,
  type NodeSpec,
  promiseOf,
  runsTask,
  runsWorkflow,
  testId,
} from "../test/closures.ts";
import { dump } from "../test/laws.ts";
import { list, integer as literal } from "../test/literals.ts";
import { Stage } from "../test/stage.ts";
import { chooses, launches, maps, sleeps, when } from "../test/targets.ts";
import { waitsForPlace } from "./parallelism.ts";
import { restoreRun } from "./restore.ts";

type Nodes = Readonly<Record<string, NodeSpec>>;

/** A started run that may have `maxParallelism` under way. */
function started(maxParallelism: number, nodes: Nodes, outputs = {}): Stage {
  const inner = { name: "inner", nodes: { a: {}, b: {} } };
  const cached = { id: testId("cached"), type: "echo", metadata: { discoverable: true, discoveryVersion: "1" } };
  const closure = closureOf({ nodes, outputs }, [inner], [cached]);
  const stage = new Stage(closure, {}, null, { maxParallelism });
  stage.start();
  return stage;
}

const x = { x: promiseOf("") };
const fanOf = (...ids: string[]): Nodes => Object.fromEntries(ids.map((id) => [id, { inputs: x }]));

/** Names of the actions that wait for a place, in order. */
const waiting = (stage: Stage): string[] => [...stage.actions.values()].filter(waitsForPlace).map(({ name }) => name);
const underWay = (stage: Stage): string[] =>
  [...stage.attempts.values()]
    .filter(({ endedAtMs }) => endedAtMs === null)
    .map(({ ordinal }) => stage.nameOf(ordinal));

function restore(stage: Stage): void {
  const restored = restoreRun(stage.program, stage.stored(), stage.policy);
  expect(dump(restored)).toEqual(dump(stage.run));
  stage.run = restored;
}

test("no more tasks are under way than the run allows, and who waited longest is next", () => {
  const stage = started(2, fanOf("a", "b", "c", "d"));
  expect(underWay(stage)).toEqual(["a", "b"]);
  expect(waiting(stage)).toEqual(["c", "d"]);
  expect(stage.action("c")).toMatchObject({ phase: "queued", attempts: 0 });
  restore(stage);
  stage.succeeded("b");
  expect(underWay(stage)).toEqual(["a", "c"]);
  restore(stage);
  stage.succeeded("c", "a");
  expect(underWay(stage)).toEqual(["d"]);
  stage.succeeded("d");
  expect(stage.runRow.phase).toBe("succeeded");
  expect(stage.run.placesTaken).toBe(0);
});

test("what becomes ready later waits behind those that wait already", () => {
  const stage = started(1, { ...fanOf("a", "b"), after: { inputs: { x: promiseOf("a") } } });
  stage.succeeded("a");
  expect(underWay(stage)).toEqual(["b"]);
  expect(waiting(stage)).toEqual(["after"]);
  restore(stage);
  stage.succeeded("b");
  expect(underWay(stage)).toEqual(["after"]);
});

test("a retry's back-off keeps its place", () => {
  const stage = started(1, { a: { inputs: x, retries: 1 }, b: { inputs: x } });
  stage.failed("a", { recoverable: true });
  restore(stage);
  expect(underWay(stage)).toEqual([]);
  expect(waiting(stage)).toEqual(["b"]);
  stage.fire("a");
  stage.succeeded("a");
  expect(underWay(stage)).toEqual(["b"]);
});

test("a child run takes a place, and so does a look into the cache; a cached task that waits is looked up later", () => {
  const child = { inputs: x, target: launches("p") };
  const stage = started(1, { child, task: { inputs: x, target: runsTask("cached") }, other: child });
  expect(stage.commands).toEqual([{ type: "runErrand", errand: "launch_child", ordinal: 2, attempt: 0 }]);
  expect(waiting(stage)).toEqual(["task", "other"]);
  stage.values.set("2.outputs", literals({ x: integer(1) }));
  stage.play({ type: "childEnded", ordinal: 2, attempt: 0, phase: "succeeded", failure: null });
  expect(stage.commands).toEqual([{ type: "runErrand", errand: "check_cache", ordinal: 3, attempt: 0 }]);
  expect(stage.action("task")).toMatchObject({ cacheStatus: "miss", attempts: 0 });
  expect(waiting(stage)).toEqual(["other"]);
  restore(stage);
  stage.play({ type: "cacheChecked", ordinal: 3, status: "miss", key: "k" });
  expect(waiting(stage)).toEqual(["other"]);
  stage.succeeded("task");
  expect(stage.commands).toEqual([{ type: "runErrand", errand: "launch_child", ordinal: 4, attempt: 0 }]);
});

test("a map counts once, whatever it is made of, and knows its items while it waits", () => {
  const stage = new Stage(
    closureOf({ nodes: { a: { inputs: x }, m: { inputs: x, target: maps(runsTask("echo"), { isSplit: true }) } } }),
    {},
    null,
    { maxParallelism: 1 },
  );
  stage.values.set("0.outputs", literals({ x: list(literal(1), literal(2), literal(3)) }));
  stage.start();
  expect(waiting(stage)).toEqual(["m"]);
  expect(stage.action("m")).toMatchObject({ phase: "queued", itemCount: 3 });
  restore(stage);
  stage.succeeded("a");
  expect(stage.action("m")).toMatchObject({ phase: "running", itemCount: 3 });
  expect(underWay(stage)).toEqual(["m.0", "m.1", "m.2"]);
  restore(stage);
  expect(stage.run.placesTaken).toBe(1);
});

test("sub-workflows and branches take no place, but what is in them does", () => {
  const branch = chooses({ first: [when("x", "EQ", 1), { inputs: x }] }, { id: "second", node: { inputs: x } });
  const stage = started(1, { sub: { target: runsWorkflow("inner") }, br: { inputs: x, target: branch } });
  expect(underWay(stage)).toEqual(["sub-0-a"]);
  expect(waiting(stage).toSorted()).toEqual(["br-0-first", "sub-0-b"]);
  restore(stage);
});

test("a task that wrote a workflow leaves its place to what it wrote", () => {
  const stage = started(1, { dyn: {}, other: {} });
  stage.expanded("dyn", closureOf({ nodes: { n: {} } }));
  expect(underWay(stage)).toEqual(["other"]);
  expect(waiting(stage)).toEqual(["dyn-0-n"]);
  restore(stage);
  stage.succeeded("other");
  stage.succeeded("dyn-0-n");
  expect(stage.runRow.phase).toBe("succeeded");
});

test("what waits when its run ends, ends without having begun, child runs and maps included", () => {
  const map = { inputs: x, target: maps(runsTask("echo"), {}) };
  const child = { inputs: x, target: launches("p") };
  const nodes = { a: {}, child, m: map, b: {} };
  const stage = new Stage(closureOf({ nodes }), {}, null, { maxParallelism: 1 });
  stage.values.set("0.outputs", literals({ x: list(literal(1)) }));
  stage.start();
  stage.started("a");
  stage.abort();
  expect(stage.phases()).toMatchObject({ run: "aborting", child: "aborted", m: "aborted", b: "aborted" });
  expect(stage.commands).toEqual([]);
  restore(stage);
  stage.stopped("a");
  expect(stage.runRow.phase).toBe("aborted");
});

test("what is left to end by a later batch gets no place that becomes free meanwhile", () => {
  const stage = new Stage(closureOf({ nodes: fanOf("a", "b", "c") }), { endingBatchMax: 1 }, null, {
    maxParallelism: 1,
  });
  stage.start();
  stage.failed("a");
  expect(stage.phases()).toMatchObject({ run: "failing", b: "aborted", c: "queued" });
  restore(stage);
  stage.play({ type: "continued" });
  expect(stage.runRow.phase).toBe("failed");
  expect(stage.attempts.size).toBe(1);
});

test("a place that came free goes to nobody once what he is a part of fails at the same moment", () => {
  const bad = { after: ["a"], inputs: { x: promiseOf("", "nothing") }, target: sleeps(1) };
  const stage = started(1, { ...fanOf("a", "b"), bad });
  stage.succeeded("a");
  expect(stage.phases()).toMatchObject({ run: "failed", bad: "failed", b: "aborted" });
  expect(stage.attempts.size).toBe(1);
  expect(stage.run.placesTaken).toBe(0);
});

test("a failure node waits for its turn like any other", () => {
  const patient = { nodes: { a: {}, sub: { target: runsWorkflow("inner") } }, isPatient: true };
  const inner = { name: "inner", nodes: { t: {} }, onFailure: {} };
  const stage = new Stage(closureOf(patient, [inner]), {}, null, { maxParallelism: 2 });
  stage.start();
  stage.failed("sub-0-t");
  expect(underWay(stage)).toEqual(["a", "sub-0-fn"]);
});

test("a node whose inputs cannot be put together gives its place back at once", () => {
  const bad = { inputs: { x: promiseOf("", "nothing") } };
  const nodes = { nodes: { a: { inputs: x }, bad, b: { inputs: x } }, isPatient: true };
  const stage = new Stage(closureOf(nodes), {}, null, { maxParallelism: 1 });
  stage.start();
  stage.succeeded("a");
  expect(stage.phases()).toMatchObject({ bad: "failed" });
  expect(underWay(stage)).toEqual(["b"]);
});

test("3,000 nodes that wait cost a fixed number of visits each", { timeout: 60_000 }, () => {
  const names = Array.from({ length: 3_000 }, (_, index) => `n${index}`);
  const stage = new Stage(closureOf({ nodes: fanOf(...names) }), {}, null, { maxParallelism: 10 });
  stage.start();
  expect(stage.run.placesTaken).toBe(10);
  for (let first = 0; first < names.length; first += 10) {
    const reports = Array.from({ length: 10 }, (_, offset) => ({ ordinal: 2 + first + offset, attempt: 0 }));
    stage.play(...reports.map((id) => ({ type: "attemptSucceeded" as const, ...id })));
  }
  expect(stage.runRow.phase).toBe("succeeded");
  expect(stage.visitedNodes).toBeLessThan(3_000 * 8);
});
