import { expect, test } from "vitest";
import { closureOf, integer, literals, promiseOf } from "./closures.ts";
import { Stage } from "./stage.ts";

const chainOf = (length: number) =>
  closureOf({
    nodes: Object.fromEntries(
      Array.from({ length }, (_, index) => [`n${index}`, { inputs: { x: promiseOf(index ? `n${index - 1}` : "") } }]),
    ),
    outputs: { x: promiseOf(`n${length - 1}`) },
  });

const fanOf = (width: number) =>
  closureOf({
    nodes: Object.fromEntries(
      Array.from({ length: width }, (_, index) => [`n${index}`, { inputs: { x: promiseOf("") } }]),
    ),
    outputs: { x: promiseOf("n0") },
  });

/** A node is visited when one above it succeeds, when it is opened (twice, if a value must be loaded) and by its report. */
const VISITS_PER_NODE = 6;

test("a fan-out of 1,000 visits every node a fixed number of times, in whatever batches reports come", {
  timeout: 60_000,
}, () => {
  for (const batch of [1, 40, 1_000]) {
    const stage = new Stage(fanOf(1_000));
    stage.start();
    const names = Array.from({ length: 1_000 }, (_, index) => `n${index}`);
    while (names.length > 0) stage.succeeded(...names.splice(0, batch));
    expect(stage.runRow.phase).toBe("succeeded");
    expect(stage.visitedNodes).toBeLessThan(1_000 * VISITS_PER_NODE);
  }
});

test("a chain's step costs the same at its end as at its beginning", () => {
  const stage = new Stage(chainOf(500));
  stage.start();
  const costs = Array.from({ length: 500 }, (_, index) => {
    const before = stage.visitedNodes;
    stage.succeeded(`n${index}`);
    return stage.visitedNodes - before;
  });
  expect(new Set(costs).size).toBe(1);
});

test("10,000 nodes run at a fixed cost for each, and end in batches when they fail", { timeout: 60_000 }, () => {
  const names = Array.from({ length: 10_000 }, (_, index) => `n${index}`);
  const stage = new Stage(fanOf(10_000));
  stage.start();
  stage.values.set("2.outputs", literals({ x: integer(7) }));
  stage.play(...names.map((_, index) => ({ type: "attemptSucceeded" as const, ordinal: index + 2, attempt: 0 })));
  expect(stage.runRow.phase).toBe("succeeded");
  expect(stage.visitedNodes).toBeLessThan(10_000 * VISITS_PER_NODE);

  const failing = new Stage(fanOf(10_000));
  failing.start();
  failing.failed("n0");
  let batches = 1;
  while (failing.runRow.endedAtMs === null) {
    failing.play({ type: "continued" });
    batches += 1;
  }
  expect(batches).toBe(10);
  expect(failing.visitedNodes).toBeLessThan(10_000 * VISITS_PER_NODE);
});
