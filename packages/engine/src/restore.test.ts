import { expect, test } from "vitest";
import { closureOf, literals, promiseOf, runsTask, runsWorkflow } from "../test/closures.ts";
import { dump } from "../test/laws.ts";
import { list } from "../test/literals.ts";
import { Stage } from "../test/stage.ts";
import { chooses, maps, when } from "../test/targets.ts";
import { restoreRun } from "./restore.ts";
import { newRun } from "./state.ts";

const inner = { name: "inner", nodes: { a: {}, b: { after: ["a"] } } };
const nested = () =>
  new Stage(
    closureOf({ nodes: { sub: { target: runsWorkflow("inner") }, t: {}, u: { after: ["t", "sub"] } } }, [inner]),
  );

test("a run without actions is a new run", () => {
  const stage = nested();
  expect(restoreRun(stage.program, stage.stored())).toEqual(newRun());
});

test("nodes whose turn had come but that have no action are ready again", () => {
  const stage = new Stage(
    closureOf({ nodes: { a: {}, b: { after: ["a"], inputs: { x: promiseOf("a") } } }, outputs: { x: promiseOf("b") } }),
  );
  stage.start();
  stage.succeeded("a");
  const { ordinal } = stage.action("b");
  stage.actions.delete(ordinal);
  stage.attempts.delete(`${ordinal}.0`);
  stage.forgetValue({ ordinal, side: "inputs" });
  stage.restore();
  expect(stage.run.ready.map(({ node }) => node.id)).toEqual(["b"]);
  stage.play();
  stage.succeeded("b");
  const ended = stage.stored();
  const endNode = { ...stage.action("end-node"), phase: "queued" as const, endedAtMs: null };
  const actions = ended.actions.map((action) => (action.name === "end-node" ? endNode : action));
  const almost = restoreRun(stage.program, {
    ...ended,
    actions,
    run: { ...ended.run, phase: "running", endedAtMs: null },
  });
  expect(almost.ready.map(({ node }) => node.id)).toEqual(["end-node"]);
});

test("a sub-workflow that its ending parent has not reached yet is closed, and ends later", () => {
  const stage = new Stage(
    closureOf({ nodes: { t: {}, sub: { target: runsWorkflow("inner") } } }, [
      { name: "inner", nodes: { a: {}, b: {} } },
    ]),
    { endingBatchMax: 1 },
  );
  stage.start();
  stage.abort();
  expect(stage.phases()).toMatchObject({ t: "aborted", sub: "running", "sub-0-a": "queued" });
  const restored = restoreRun(stage.program, stage.stored());
  expect(dump(restored)).toEqual(dump(stage.run));
  stage.run = restored;
  for (let batch = 0; batch < 3; batch += 1) stage.play({ type: "continued" });
  expect(stage.phases()).toMatchObject({ run: "aborted", sub: "aborted", "sub-0-b": "aborted" });
});

test("what is failing already takes no place in a batch: a run that is restored again and again still ends", () => {
  const parallel = { name: "inner", nodes: { a: {}, b: {} } };
  const nodes = { sub: { target: runsWorkflow("inner") }, t: {}, u: {} };
  const stage = new Stage(closureOf({ nodes, isPatient: true }, [parallel]), { endingBatchMax: 1 });
  stage.start();
  stage.started("sub-0-b");
  stage.failed("sub-0-a");
  expect(stage.phases()).toMatchObject({ run: "running", sub: "failing", "sub-0-b": "aborting" });
  stage.abort();
  for (let batch = 0; batch < 3; batch += 1) {
    stage.restore();
    stage.play({ type: "continued" });
  }
  expect(stage.phases()).toMatchObject({ run: "aborting", t: "aborted", u: "aborted" });
});

test("a restored run goes on where it was, whichever attempts were loaded with it", () => {
  const stage = nested();
  stage.start();
  stage.started("t", "sub-0-a");
  stage.restore();
  stage.lost("t");
  stage.restore();
  stage.fire("t");
  const newest = stage.stored();
  stage.run = restoreRun(stage.program, {
    ...newest,
    attempts: newest.attempts.filter(({ endedAtMs }) => endedAtMs === null),
  });
  stage.succeeded("t", "sub-0-a");
  stage.restore();
  stage.succeeded("sub-0-b");
  stage.restore();
  stage.succeeded("u");
  expect(stage.runRow.phase).toBe("succeeded");
  stage.restore();
  stage.abort();
  expect(stage.runRow.phase).toBe("succeeded");
});

test("rows that contradict the program break an invariant", () => {
  const stage = nested();
  stage.start();
  const { actions, ...stored } = stage.stored();
  const broken = (name: string, patch: object) =>
    actions.map((action) => (action.name === name ? { ...action, ...patch } : action));
  const restoring = (rows: typeof actions) => () => restoreRun(stage.program, { ...stored, actions: rows });
  expect(restoring(broken("t", { specNodeId: "ghost" }))).toThrow(/stands for the node ghost/);
  expect(restoring(broken("t", { parentOrdinal: 0 }))).toThrow(/part of something that has begun/);

  const target = chooses({ first: [when("x", "EQ", 1), {}] }, { fails: "no" });
  const branch = new Stage(closureOf({ nodes: { b: { inputs: { x: promiseOf("") }, target } } }));
  branch.start();
  const rows = branch.stored();
  const renamed = rows.actions.map((action) => ({ ...action, specNodeId: action.specNodeId.replace("first", "gone") }));
  expect(() => restoreRun(branch.program, { ...rows, actions: renamed })).toThrow(/stands for the node gone/);
});

test("a map of which nothing is counted has begun no item", () => {
  const nodes = { m: { inputs: { x: promiseOf("") }, target: maps(runsTask("echo"), { isSplit: true }) } };
  const stage = new Stage(closureOf({ nodes }));
  stage.values.set("0.outputs", literals({ x: list() }));
  stage.start();
  const restored = restoreRun(stage.program, { ...stage.stored(), arrays: [] });
  expect(dump(restored)).toEqual(dump(stage.run));
});
