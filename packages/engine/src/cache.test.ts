import { expect, test } from "vitest";
import { closureOf, integer, literals, promiseOf, runsTask, testId } from "../test/closures.ts";
import { Stage } from "../test/stage.ts";

function cached(): Stage {
  const square = { id: testId("square"), type: "echo", metadata: { discoverable: true, discoveryVersion: "1" } };
  const nodes = {
    n0: { inputs: { x: promiseOf("") }, target: runsTask("square") },
    n1: { inputs: { x: promiseOf("n0") } },
  };
  const stage = new Stage(closureOf({ nodes }, [], [square]));
  stage.start();
  return stage;
}

type Status = "hit" | "miss" | "skipped" | "lookup_failure";
const checked = (status: Status, key: string | null = "v/k") => ({
  type: "cacheChecked" as const,
  ordinal: 2,
  status,
  key,
});

test("a cached task is looked up before anything runs; a hit ends it without an attempt", () => {
  const stage = cached();
  expect(stage.commands).toEqual([{ type: "runErrand", errand: "check_cache", ordinal: 2, attempt: 0 }]);
  expect(stage.action("n0")).toMatchObject({ phase: "queued", attempts: 0 });
  stage.restore();
  stage.values.set("2.outputs", literals({ x: integer(16) }));
  stage.play(checked("hit"));
  expect(stage.action("n0")).toMatchObject({ phase: "succeeded", attempts: 0, cacheStatus: "hit", cacheKey: "v/k" });
  expect(stage.phases()).toMatchObject({ n1: "queued" });
  expect(stage.play(checked("hit")).staleEvents).toBe(1);
});

test("a miss runs the task, whose outputs go into the cache, as do those that were to be computed anew", () => {
  for (const status of ["miss", "skipped"] as const) {
    const stage = cached();
    stage.play(checked(status));
    expect(stage.action("n0")).toMatchObject({ cacheStatus: status, attempts: 1 });
    stage.restore();
    stage.succeeded("n0");
    expect(stage.action("n0")).toMatchObject({ phase: "succeeded", cacheStatus: "populated", cacheKey: "v/k" });
  }
});

test("a lookup that failed does no harm: the task runs, and nothing goes into the cache", () => {
  const stage = cached();
  stage.play(checked("lookup_failure", null));
  stage.succeeded("n0");
  expect(stage.action("n0")).toMatchObject({ phase: "succeeded", cacheStatus: "lookup_failure" });
});

test("a failed task goes into no cache, and an answer after the end began starts nothing", () => {
  const failed = cached();
  failed.play(checked("miss"));
  failed.failed("n0");
  expect(failed.action("n0")).toMatchObject({ phase: "failed", cacheStatus: "miss" });
  const aborted = cached();
  const changes = aborted.play({ type: "runAbortRequested", cause: "enough", principal: "me" }, checked("miss"));
  expect(changes.staleEvents).toBe(1);
  expect(aborted.phases()).toMatchObject({ run: "aborted", n0: "aborted" });
});
