import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ArrayNodeSchema } from "@skein/idl/core";
import { ArrayNode_DataMode } from "@skein/idl/core";
import { expect, test } from "vitest";
import {
  closureOf,
  integer,
  integersOf,
  literals,
  type NodeSpec,
  promiseOf,
  runsTask,
  runsWorkflow,
  testId,
  toNode,
} from "../../test/closures.ts";
import { list, integer as literal } from "../../test/literals.ts";
import { Stage } from "../../test/stage.ts";
import type { EnginePolicy } from "../retry.ts";

interface Mapped {
  readonly items: number;
  readonly array?: Partial<MessageInitShape<typeof ArrayNodeSchema>>;
  readonly node?: NodeSpec;
  readonly policy?: Partial<EnginePolicy>;
  readonly isShared?: boolean;
  /** Instead of the list. */
  readonly inputs?: Parameters<typeof literals>[0];
}

/** A map over the list `x` of the run's inputs: 10, 11, 12, … */
function mapped({ items, array, node = {}, policy = {}, isShared = false, inputs }: Mapped): Stage {
  const value = {
    node: toNode("each", isShared ? { target: runsTask("pick"), ...node } : node),
    dataMode: isShared ? ArrayNode_DataMode.SINGLE_INPUT_FILE : ArrayNode_DataMode.INDIVIDUAL_INPUT_FILES,
    ...array,
  } as MessageInitShape<typeof ArrayNodeSchema>;
  const inner = { name: "inner", nodes: { a: { inputs: { x: promiseOf("") } } }, outputs: { x: promiseOf("a") } };
  const stage = new Stage(
    closureOf(
      {
        nodes: {
          m: { inputs: { x: promiseOf("") }, target: { case: "arrayNode", value } },
          after: { inputs: { x: promiseOf("m") } },
        },
      },
      [inner],
      [{ id: testId("pick"), type: "python-task" }],
    ),
    policy,
  );
  const numbers = Array.from({ length: items }, (_, index) => literal(10 + index));
  stage.values.set("0.outputs", literals(inputs ?? { x: list(...numbers) }));
  stage.start();
  return stage;
}

const parallelism = (value: number) => ({ parallelismOption: { case: "parallelism" as const, value } });

const gather = { type: "runErrand", errand: "gather_outputs", ordinal: 2, attempt: 0 };

function gathered(stage: Stage): void {
  stage.values.set("2.outputs", literals({ x: integer(1) }));
  stage.play({ type: "outputsGathered", ordinal: 2 });
}

const namesOf = (stage: Stage, phase: string): string[] =>
  Object.entries(stage.phases()).flatMap(([name, of]) => (of === phase && name.startsWith("m.") ? [name] : []));

test("a map gives each item its part, in a block of ordinals, and ends with the gathered outputs", () => {
  const stage = mapped({ items: 3 });
  expect(stage.action("m")).toMatchObject({ kind: "array", phase: "running", itemCount: 3, attempts: 0 });
  expect(stage.action("m.1")).toMatchObject({ ordinal: 4, parentOrdinal: 2, itemIndex: 1, specNodeId: "n1" });
  expect(integersOf(stage.value("m.1", "inputs"))).toEqual({ x: 11 });
  stage.restore();
  stage.succeeded("m.0", "m.2");
  stage.restore();
  expect(stage.succeeded("m.1").commands).toEqual([gather]);
  stage.restore();
  expect(stage.phases()).toMatchObject({ m: "running" });
  gathered(stage);
  expect(stage.phases()).toMatchObject({ m: "succeeded", after: "queued" });
  expect(stage.action("after").ordinal).toBe(6);
  expect(stage.play({ type: "outputsGathered", ordinal: 2 }).staleEvents).toBe(1);
});

test("items that start no user code cannot pick their part, so each is given its own", () => {
  const shared = { dataMode: ArrayNode_DataMode.SINGLE_INPUT_FILE };
  const stage = mapped({ items: 2, array: shared });
  expect(stage.action("m.1")).toMatchObject({ inputsOrdinal: null });
  expect(stage.value("m.1", "inputs")).toEqual(literals({ x: literal(11) }));
});

test("items that pick their part by themselves share the map's inputs", () => {
  const stage = mapped({ items: 2, isShared: true });
  expect(stage.action("m.1")).toMatchObject({ inputsOrdinal: 2 });
  expect(stage.value("m.1", "inputs")).toBeUndefined();
});

test("a map of nothing succeeds with empty outputs", () => {
  const stage = mapped({ items: 0 });
  expect(stage.commands).toEqual([gather]);
  gathered(stage);
  expect(stage.phases()).toMatchObject({ m: "succeeded" });
});

test("no more items are open than the map or the engine allows, and no more begin in one commit than that", () => {
  const limited = mapped({ items: 5, array: parallelism(2) });
  expect(namesOf(limited, "queued")).toEqual(["m.0", "m.1"]);
  limited.restore();
  limited.succeeded("m.1");
  expect(namesOf(limited, "queued")).toEqual(["m.0", "m.2"]);

  const batched = mapped({ items: 5, policy: { openingBatchMax: 2, mapWindow: 4 } });
  expect(namesOf(batched, "queued")).toHaveLength(2);
  expect(batched.commands).toContainEqual({ type: "continue" });
  batched.restore();
  batched.play({ type: "continued" });
  expect(namesOf(batched, "queued")).toHaveLength(4);
  expect(batched.commands).not.toContainEqual({ type: "continue" });
});

test("items have retries of their own, and the map fails as soon as too few can succeed", () => {
  const stage = mapped({
    items: 4,
    node: { retries: 1 },
    array: { successCriteria: { case: "minSuccessRatio", value: 0.5 } },
  });
  stage.failed("m.0", { recoverable: true });
  stage.fire("m.0");
  expect(stage.action("m.0")).toMatchObject({ phase: "queued", attempts: 2 });
  stage.failed("m.1");
  stage.failed("m.2");
  expect(stage.phases()).toMatchObject({ m: "running" });
  stage.started("m.3");
  stage.restore();
  stage.failed("m.0");
  expect(stage.phases()).toMatchObject({ run: "running", m: "failing", "m.3": "aborting" });
  stage.restore();
  stage.stopped("m.3");
  expect(stage.runRow).toMatchObject({ phase: "failed", failure: { code: "Boom" } });
  expect(stage.runRow.failure?.message).toBe("Item 0 of 4 failed (2 must succeed; 3 failed so far): m.0 broke");
});

test("enough successes are enough", () => {
  const stage = mapped({ items: 2, array: { successCriteria: { case: "minSuccesses", value: 1 } } });
  stage.failed("m.0");
  expect(stage.succeeded("m.1").commands).toEqual([gather]);
});

test("outputs that cannot be gathered fail the map", () => {
  const stage = mapped({ items: 0 });
  const failure = { code: "OutputsNotFound", message: "gone", kind: "system" as const, recoverable: false };
  stage.play({ type: "gatheringFailed", ordinal: 2, failure });
  expect(stage.runRow).toMatchObject({ phase: "failed", failure });
});

test("an aborted run ends the items that are open, and begins no others", () => {
  const stage = mapped({ items: 3, array: parallelism(1) });
  stage.started("m.0");
  stage.abort();
  expect(stage.phases()).toMatchObject({ run: "aborting", m: "aborting", "m.0": "aborting" });
  stage.restore();
  stage.stopped("m.0");
  expect(stage.phases()).toMatchObject({ run: "aborted", m: "aborted" });
  expect(namesOf(stage, "aborted")).toEqual(["m.0"]);
  const gathering = mapped({ items: 0 });
  gathering.abort();
  expect(gathering.phases()).toMatchObject({ run: "aborted", m: "aborted" });
});

test("a map over a workflow forgets what its items were made of", () => {
  const stage = mapped({ items: 2, node: { target: runsWorkflow("inner") } });
  expect(stage.phases()).toMatchObject({ "m.0": "running", "m.0-0-a": "queued", "m.1-0-a": "queued" });
  stage.succeeded("m.0-0-a");
  expect(stage.phases()).toMatchObject({ "m.0": "succeeded", "m.1": "running" });
  expect([...stage.run.actions.values()].map(({ name }) => name)).not.toContain("m.0-0-a");
  stage.restore();
  expect(stage.succeeded("m.1-0-a").commands).toEqual([gather]);
});

test("a map over a launch plan launches a child for each item", () => {
  const plan = {
    case: "workflowNode" as const,
    value: { reference: { case: "launchplanRef" as const, value: testId("p") } },
  };
  const stage = mapped({ items: 2, node: { target: plan }, isShared: true });
  expect(stage.commands).toContainEqual({ type: "runErrand", errand: "launch_child", ordinal: 4, attempt: 0 });
  expect(integersOf(stage.value("m.1", "inputs"))).toEqual({ x: 11 });
});

test("inputs that are no list, or that cannot be resolved, fail the map before it begins", () => {
  const noList = mapped({ items: 0, inputs: { x: integer(1) } });
  expect(noList.phases()).toMatchObject({ run: "failed", m: "failed" });
  expect(noList.runRow.failure).toMatchObject({ code: "InvalidArrayLength", kind: "user" });
  const unbound = mapped({ items: 0, inputs: {} });
  expect(unbound.runRow.failure).toMatchObject({ code: "BindingResolutionFailure" });
});
