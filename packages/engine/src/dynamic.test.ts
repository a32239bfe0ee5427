import { expect, test } from "vitest";
import { closureOf, integer, integersOf, literals, promiseOf } from "../test/closures.ts";
import { Stage } from "../test/stage.ts";

const written = (name = "written") =>
  closureOf({ name, nodes: { dn0: {}, dn1: { inputs: { x: promiseOf("dn0") } } }, outputs: { x: promiseOf("dn1") } });

function starting(node: { retries?: number; timeoutMs?: number } = {}, policy = {}): Stage {
  const stage = new Stage(
    closureOf({ nodes: { d: node, after: { inputs: { x: promiseOf("d") } } }, outputs: { x: promiseOf("after") } }),
    policy,
  );
  stage.start();
  return stage;
}

test("what a task wrote runs under it, and its outputs become the task's", () => {
  const stage = starting({ timeoutMs: 1_000 });
  stage.started("d");
  stage.expanded("d", written());
  expect(stage.attempt("d").phase).toBe("succeeded");
  expect(stage.action("d")).toMatchObject({ phase: "running", isExpanded: true });
  expect(stage.phases()).toMatchObject({ "d-0-dn0": "queued" });
  expect(stage.timers.size).toBe(0);
  stage.restore();
  stage.succeeded("d-0-dn0");
  stage.restore();
  stage.succeeded("d-0-dn1");
  expect(stage.phases()).toMatchObject({ d: "succeeded", after: "queued" });
  expect(integersOf(stage.value("after", "inputs"))).toEqual({ x: 7 });
});

test("children carry the attempt that wrote them in their names", () => {
  const stage = starting({ retries: 1 });
  stage.failed("d", { recoverable: true });
  stage.fire("d");
  stage.expanded("d", written());
  expect(stage.phases()).toMatchObject({ "d-1-dn0": "queued" });
});

test("a child's failure fails the task without another attempt, and an abort ends the children", () => {
  const failing = starting({ retries: 3 });
  failing.expanded("d", written());
  failing.failed("d-0-dn0", { recoverable: false });
  expect(failing.phases()).toMatchObject({ run: "failed", d: "failed" });
  expect(failing.runRow.failure).toMatchObject({ code: "Boom", message: "d-0-dn0 broke" });

  const aborted = starting();
  aborted.expanded("d", written());
  aborted.started("d-0-dn0");
  aborted.abort();
  aborted.restore();
  aborted.stopped("d-0-dn0");
  expect(aborted.phases()).toMatchObject({ run: "aborted", d: "aborted", "d-0-dn0": "aborted" });
});

test("what is written after the end began is not run", () => {
  const stage = starting();
  stage.started("d");
  stage.abort();
  stage.expanded("d", written());
  expect(stage.phases()).toEqual({ run: "aborted", "start-node": "succeeded", "end-node": "aborted", d: "aborted" });
});

test("a task that writes itself for ever ends with a clear failure", () => {
  const stage = starting({}, { nestingMax: 3 });
  let name = "d";
  for (let depth = 0; stage.runRow.endedAtMs === null && depth < 10; depth += 1) {
    stage.values.set("unused", literals({ x: integer(depth) }));
    stage.expanded(name, written(`level${depth}`));
    const next = [...stage.actions.values()].find(({ phase, kind }) => phase === "queued" && kind === "task");
    name = next?.name ?? name;
  }
  expect(stage.runRow.failure).toMatchObject({ code: "NestedTooDeep", kind: "user" });
});
