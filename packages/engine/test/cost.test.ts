import { expect, test } from "vitest";
import { closureOf, integer, literals, promiseOf, runsTask, runsWorkflow } from "./closures.ts";
import { list, integer as literal } from "./literals.ts";
import { Stage } from "./stage.ts";
import { chooses, type MapOptions, maps, when } from "./targets.ts";

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

const succeeded = (ordinal: number) => ({ type: "attemptSucceeded" as const, ordinal, attempt: 0 });

/** A started run of one map over `size` items; the map is action 2. */
function mapOf(size: number, options: MapOptions, target = runsTask("echo")): Stage {
  const inner = { name: "inner", nodes: { a: {} } };
  const nodes = { m: { inputs: { x: promiseOf("") }, target: maps(target, options) } };
  const stage = new Stage(closureOf({ nodes }, [inner]));
  const items = Array.from({ length: size }, (_, index) => literal(index));
  stage.values.set("0.outputs", literals({ x: list(...items) }));
  stage.start();
  return stage;
}

test.each<[string, MapOptions]>([
  ["in the engine's window", { isSplit: true }],
  ["50 at once", { parallelism: 50 }],
])(
  "20,000 items of a map cost the same each, and are forgotten once they are over: %s",
  {
    timeout: 60_000,
  },
  (_, options) => {
    const size = 20_000;
    const stage = mapOf(size, options);
    const window = options.parallelism ?? stage.policy.mapWindow;
    const costs = new Set<number>();
    for (let item = 0; item < size - window; item += 1) {
      const before = stage.visitedNodes;
      stage.play(succeeded(3 + item));
      costs.add(stage.visitedNodes - before);
      if (item % 1_000 === 0) expect(stage.run.actions.size).toBeLessThan(window + 10);
    }
    expect([...costs]).toEqual([Math.max(...costs)]);
    stage.play(...Array.from({ length: window }, (_, index) => succeeded(3 + size - window + index)));
    expect(stage.commands).toEqual([{ type: "runErrand", errand: "gather_outputs", ordinal: 2, attempt: 0 }]);
    expect(stage.visitedNodes).toBeLessThan(size * VISITS_PER_NODE);
  },
);

test("a map over workflows costs as much at its end as at its beginning", { timeout: 60_000 }, () => {
  const size = 2_000;
  const stage = mapOf(size, { parallelism: 1 }, runsWorkflow("inner"));
  const costs = new Set<number>();
  for (let item = 0; item < size - 1; item += 1) {
    const before = stage.visitedNodes;
    const live = [...stage.run.actions.values()].find(({ kind }) => kind === "task");
    stage.play(succeeded(live?.ordinal ?? -1));
    costs.add(stage.visitedNodes - before);
  }
  expect(costs.size).toBe(1);
  expect(stage.run.actions.size).toBeLessThan(10);
  expect(stage.run.names.size).toBeLessThan(10);
});

test("a chain of branches costs the same at its end as at its beginning", { timeout: 60_000 }, () => {
  const length = 300;
  const idOf = (index: number): string => `b${index}`;
  const nodes = Object.fromEntries(
    Array.from({ length }, (_, index) => {
      const x = promiseOf(index ? idOf(index - 1) : "");
      const target = chooses({ first: [when("x", "EQ", 0), {}] }, { id: "second", node: { inputs: { x } } });
      return [idOf(index), { inputs: { x }, target }];
    }),
  );
  const stage = new Stage(closureOf({ nodes, outputs: { x: promiseOf(idOf(length - 1)) } }));
  stage.start();
  const costs = Array.from({ length }, () => {
    const before = stage.visitedNodes;
    const live = [...stage.attempts.values()].at(-1);
    stage.values.set(`${live?.ordinal}.outputs`, literals({ x: integer(7) }));
    stage.play(succeeded(live?.ordinal ?? -1));
    return stage.visitedNodes - before;
  });
  expect(stage.runRow.phase).toBe("succeeded");
  expect(new Set(costs.slice(0, -1)).size).toBe(1);
});

test("5,000 nodes that a task wrote visit each a fixed number of times", { timeout: 60_000 }, () => {
  const stage = new Stage(closureOf({ nodes: { d: { inputs: { x: promiseOf("") } } } }));
  stage.start();
  stage.expanded("d", fanOf(5_000));
  const first = stage.action("d-0-n0").ordinal;
  stage.values.set(`${first}.outputs`, literals({ x: integer(7) }));
  const before = stage.visitedNodes;
  stage.play(...Array.from({ length: 5_000 }, (_, index) => succeeded(first + index)));
  expect(stage.runRow.phase).toBe("succeeded");
  expect(stage.visitedNodes - before).toBeLessThan(5_000 * VISITS_PER_NODE);
});
