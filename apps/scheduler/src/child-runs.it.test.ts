import { create, toBinary } from "@bufbuild/protobuf";
import type { AttemptId, AttemptReport } from "@skein/contracts";
import { insertAbortRequest } from "@skein/db";
import { compileLaunchPlan, compileWorkflow, type LaunchPlanInterface } from "@skein/engine";
import {
  LaunchPlanClosureSchema,
  LaunchPlanSpecSchema,
  type TaskCreateRequest,
  type WorkflowCreateRequest,
} from "@skein/idl/admin";
import { CompiledTaskSchema, CompiledWorkflowClosureSchema, LiteralMapSchema, ResourceType } from "@skein/idl/core";
import {
  bindTo,
  chainOf,
  commandTask,
  echoTask,
  insertLaunchPlan,
  insertWorkflow,
  integerInterface,
  launchPlanNode,
  listInterface,
  mapOf,
  taskNode,
  testId,
  waitFor,
  workflowOf,
} from "@skein/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { literalsOf, openWorld, type World } from "./test-world.ts";

const ECHO = echoTask("echo");
const COMMAND = commandTask("command", ["true"], { inputs: ["x"], outputs: ["x"] });
const PASSES_X = integerInterface(["x"], ["x"]);
const LIVE = "phase not in ('succeeded', 'failed', 'aborted')";

let world: World;
/** The launch plans that workflows registered later may name. */
let plans: LaunchPlanInterface[];
beforeEach(async () => {
  world = await openWorld();
  plans = [];
});
afterEach(() => world.close());

/** Registers a workflow with its default launch plan; answers the workflow's key. */
async function register(workflow: WorkflowCreateRequest, tasks: readonly TaskCreateRequest[] = []): Promise<number> {
  const template = workflow.spec?.template;
  const name = workflow.id?.name ?? "";
  if (!template) throw new Error("a workflow has a template");
  const compiledTasks = tasks.map(({ spec }) =>
    create(CompiledTaskSchema, spec?.template ? { template: spec.template } : {}),
  );
  const compiled = compileWorkflow({ template, tasks: compiledTasks, launchPlans: plans });
  if (!("closure" in compiled)) throw new Error(JSON.stringify(compiled.errors));
  const { pool } = world.database;
  const bytes = toBinary(CompiledWorkflowClosureSchema, compiled.closure);
  const workflowId = await insertWorkflow(pool, { name, compiled: bytes });
  const { expectedInputs, expectedOutputs } = compileLaunchPlan({}, template.interface);
  const closure = create(LaunchPlanClosureSchema, { expectedInputs, expectedOutputs });
  await insertLaunchPlan(pool, workflowId, {
    name,
    spec: toBinary(LaunchPlanSpecSchema, create(LaunchPlanSpecSchema)),
    closure: toBinary(LaunchPlanClosureSchema, closure),
  });
  plans.push({ id: testId(ResourceType.LAUNCH_PLAN, name), expectedInputs, expectedOutputs });
  return workflowId;
}

/** A workflow of one node that launches another one's launch plan. */
function launcherOf(name: string, child: string, settings: { retries?: number; timeoutSeconds?: number } = {}) {
  const node = launchPlanNode("n0", child, { inputs: [bindTo("x", "", "x")] });
  const { retries = 0, timeoutSeconds = 0 } = settings;
  if (node.metadata) {
    Object.assign(node.metadata, { retries: { $typeName: "flyteidl.core.RetryStrategy", retries } });
    Object.assign(node.metadata, {
      timeout: { $typeName: "google.protobuf.Duration", seconds: BigInt(timeoutSeconds), nanos: 0 },
    });
  }
  return workflowOf(name, [node], PASSES_X, [bindTo("x", "n0", "x")]);
}

async function rowsOf<T extends object>(sql: string, values: unknown[] = []): Promise<T[]> {
  return (await world.database.pool.query<T>(sql, values)).rows;
}

interface RunRow {
  readonly id: string;
  readonly name: string;
  readonly phase: string;
  readonly mode: string;
}

const childrenOf = (runId: string): Promise<RunRow[]> =>
  rowsOf("select id, name, phase, mode from runs where parent_run_id = $1 order by parent_ordinal, parent_attempt", [
    runId,
  ]);

/** The child of the run's node `n0`, once it is there. */
const untilChild = (runId: string, attempt = 0): Promise<RunRow> =>
  waitFor(async () => (await childrenOf(runId))[attempt], { what: `child ${attempt} of ${runId}` });

const actionOf = async (runId: string, name: string) =>
  (
    await rowsOf<{ phase: string; attempts: number; code: string | null; message: string | null; recovered: boolean }>(
      `select phase, attempts, error_code as code, error_message as message, is_recovered as recovered
       from actions where run_id = $1 and name = $2`,
      [runId, name],
    )
  )[0];

/** The attempt of an action that waits for its agent. */
const untilQueued = (runId: string, name: string): Promise<AttemptId> =>
  waitFor(
    async () => {
      const sql = `select t.ordinal, t.attempt from attempts t join actions a using (run_id, ordinal)
                   where t.run_id = $1 and a.name = $2 and t.phase = 'queued'`;
      const [row] = await rowsOf<{ ordinal: number; attempt: number }>(sql, [runId, name]);
      return row && { runId, ...row };
    },
    { what: `an attempt of ${name}` },
  );

const report = (id: AttemptId, outcome: AttemptReport["outcome"]) =>
  world.queues.sendReports(0, [world.reportOf(id, outcome)]);
const succeed = (id: AttemptId, x: bigint) =>
  report(id, {
    type: "succeeded",
    startedAtMs: Date.now(),
    endedAtMs: Date.now(),
    outputs: { data: Buffer.from(literalsOf(x)).toString("base64") },
  });
const fail = (id: AttemptId) => {
  const failure = { code: "USER:E", message: "it broke", kind: "user", recoverable: false } as const;
  return report(id, { type: "failed", startedAtMs: 1, endedAtMs: 2, failure });
};

const outputsOf = async (runId: string) => toBinary(LiteralMapSchema, await world.outputsOf(runId));

/** Nothing of any run goes on, and nothing is left to do for one. */
async function expectNothingLeft(): Promise<void> {
  expect(await rowsOf(`select name, phase from runs where ${LIVE}`)).toEqual([]);
  expect(await rowsOf(`select name, phase from actions where ${LIVE} and phase <> 'skipped'`)).toEqual([]);
  await waitFor(async () => (await rowsOf("select from errands union all select from events")).length === 0);
}

test("a run starts a run that starts a run, over shards of two schedulers, and gets its outputs", async () => {
  await Promise.all([world.startScheduler({ SKEIN_SHARDS: "4" }), world.startScheduler({ SKEIN_SHARDS: "4" })]);
  await world.startEcho();
  await register(chainOf("leaf", ECHO, 2), [ECHO]);
  await register(launcherOf("middle", "leaf"));
  const top = await world.launch(await register(launcherOf("top", "middle")), 7n);
  await world.untilPhase(top, "succeeded", 20_000);
  expect(await outputsOf(top)).toEqual(literalsOf(7n));
  const [middle] = await childrenOf(top);
  const [leaf] = await childrenOf(middle?.id ?? "");
  expect(middle).toMatchObject({ name: "run1-n0-0", phase: "succeeded", mode: "child_workflow" });
  expect(leaf).toMatchObject({ name: "run1-n0-0-n0-0", phase: "succeeded", mode: "child_workflow" });
  await expectNothingLeft();
});

test("a map over a launch plan starts a run for each item", async () => {
  await world.startScheduler();
  await world.startEcho();
  await register(chainOf("leaf", ECHO, 1), [ECHO]);
  const map = mapOf("n0", launchPlanNode("item", "leaf"), { inputs: [bindTo("x", "", "x")], parallelism: 7 });
  const workflow = workflowOf("map", [map], listInterface(["x"], ["x"]), [bindTo("x", "n0", "x")]);
  const xs = Array.from({ length: 40 }, (_, index) => BigInt(index));
  const run = await world.launch(await register(workflow), xs);
  await world.untilPhase(run, "succeeded", 20_000);
  expect(await outputsOf(run)).toEqual(literalsOf(xs));
  const children = await childrenOf(run);
  expect(new Set(children.map(({ phase }) => phase))).toEqual(new Set(["succeeded"]));
  expect(children).toHaveLength(40);
  await expectNothingLeft();
});

test("an abort reaches the children of children, and nothing of them is left", async () => {
  await world.startScheduler();
  await register(chainOf("leaf", COMMAND, 1), [COMMAND]);
  await register(launcherOf("middle", "leaf"));
  const top = await world.launch(await register(launcherOf("top", "middle")));
  const middle = await untilChild(top);
  const leaf = await untilChild(middle.id);
  await untilQueued(leaf.id, "n0");
  await insertAbortRequest(world.database.db, top, { cause: "enough", principal: "grace", atMs: Date.now() });
  await world.database.pool.query("select pg_notify('skein_events', '')");
  await world.untilPhase(top, "aborted");
  const rows = await rowsOf(
    "select phase, abort_cause as cause, abort_principal as principal from runs order by created_at",
  );
  expect(rows).toEqual([
    { phase: "aborted", cause: "enough", principal: "grace" },
    { phase: "aborted", cause: expect.stringMatching(/^parent aborted: run .*run1 .* n0$/), principal: "grace" },
    { phase: "aborted", cause: expect.stringContaining("run1-n0-0"), principal: "grace" },
  ]);
  await expectNothingLeft();
});

test("an abort at the very start leaves no child behind, whichever comes first", async () => {
  await world.startScheduler();
  await register(chainOf("leaf", COMMAND, 1), [COMMAND]);
  const workflowId = await register(launcherOf("top", "leaf"));
  const runs = await Promise.all(Array.from({ length: 20 }, () => world.launch(workflowId)));
  for (const run of runs) {
    await insertAbortRequest(world.database.db, run, { cause: "enough", principal: "grace", atMs: Date.now() });
  }
  await world.database.pool.query("select pg_notify('skein_events', '')");
  for (const run of runs) await world.untilPhase(run, "aborted");
  await expectNothingLeft();
});

test("a child that fails fails its action, once the action's retries are spent", async () => {
  await world.startScheduler();
  await register(chainOf("leaf", COMMAND, 1), [COMMAND]);
  const top = await world.launch(await register(launcherOf("top", "leaf", { retries: 1 })));
  const first = await untilChild(top);
  await fail(await untilQueued(first.id, "n0"));
  const second = await untilChild(top, 1);
  expect(second.name).toBe("run1-n0-1");
  await world.untilPhase(first.id, "failed");
  expect((await actionOf(top, "n0"))?.phase).toBe("running");
  await world.restartScheduler(async () => undefined);
  await fail(await untilQueued(second.id, "n0"));
  await world.untilPhase(top, "failed");
  expect(await actionOf(top, "n0")).toMatchObject({
    phase: "failed",
    attempts: 2,
    code: expect.stringContaining("USER:E"),
    message: expect.stringContaining("it broke"),
  });
  await expectNothingLeft();
});

test("a retried child that succeeds lets its parent go on", async () => {
  await world.startScheduler();
  await register(chainOf("leaf", COMMAND, 1), [COMMAND]);
  const top = await world.launch(await register(launcherOf("top", "leaf", { retries: 2 })));
  await fail(await untilQueued((await untilChild(top)).id, "n0"));
  await succeed(await untilQueued((await untilChild(top, 1)).id, "n0"), 9n);
  await world.untilPhase(top, "succeeded");
  expect(await outputsOf(top)).toEqual(literalsOf(9n));
  expect((await childrenOf(top)).map(({ phase }) => phase)).toEqual(["failed", "succeeded"]);
  await expectNothingLeft();
});

test("a child that takes longer than its node allows is aborted, and its action fails of that", async () => {
  await world.startScheduler();
  await register(chainOf("leaf", COMMAND, 1), [COMMAND]);
  const top = await world.launch(await register(launcherOf("top", "leaf", { timeoutSeconds: 1 })));
  const child = await untilChild(top);
  await world.untilPhase(top, "failed");
  expect(await actionOf(top, "n0")).toMatchObject({ phase: "failed", code: expect.stringContaining("TimeoutExpired") });
  expect(await world.phaseOf(child.id)).toBe("aborted");
  await expectNothingLeft();
});

test("a launch plan that launches itself without end fails in words, on every level", async () => {
  await world.startScheduler();
  const id = testId(ResourceType.LAUNCH_PLAN, "self");
  const { expectedInputs, expectedOutputs } = compileLaunchPlan({}, PASSES_X);
  plans.push({ id, expectedInputs, expectedOutputs });
  const run = await world.launch(await register(launcherOf("self", "self")));
  await world.untilPhase(run, "failed", 30_000);
  expect(await actionOf(run, "n0")).toMatchObject({ code: "NestingTooDeep", message: expect.stringContaining("50") });
  expect(await rowsOf("select from runs")).toHaveLength(51);
  await expectNothingLeft();
});

test("a recovered run recovers its failed child: what succeeded in that is not done again", async () => {
  await world.startScheduler();
  await register(chainOf("leaf", COMMAND, 2), [COMMAND]);
  const nodes = [
    taskNode("n0", COMMAND, [bindTo("x", "", "x")]),
    launchPlanNode("n1", "leaf", { inputs: [bindTo("x", "n0", "x")] }),
  ];
  const workflowId = await register(workflowOf("top", nodes, PASSES_X, [bindTo("x", "n1", "x")]), [COMMAND]);
  const top = await world.launch(workflowId, 1n);
  await succeed(await untilQueued(top, "n0"), 2n);
  const child = await untilChild(top);
  await succeed(await untilQueued(child.id, "n0"), 3n);
  await fail(await untilQueued(child.id, "n1"));
  await world.untilPhase(top, "failed");

  const again = await world.launch(workflowId, 1n, { mode: "recovered", referenceRunId: top });
  const childAgain = await untilChild(again);
  expect(childAgain).toMatchObject({ mode: "recovered" });
  await succeed(await untilQueued(childAgain.id, "n1"), 4n);
  await world.untilPhase(again, "succeeded");
  expect(await outputsOf(again)).toEqual(literalsOf(4n));
  expect(await actionOf(again, "n0")).toMatchObject({ recovered: true, attempts: 0 });
  expect(await actionOf(childAgain.id, "n0")).toMatchObject({ recovered: true, attempts: 0 });
  expect(await actionOf(childAgain.id, "n1")).toMatchObject({ recovered: false, attempts: 1 });

  const third = await world.launch(workflowId, 1n, { mode: "recovered", referenceRunId: again });
  await world.untilPhase(third, "succeeded");
  expect(await childrenOf(third)).toEqual([]);
  await expectNothingLeft();
});

test("a rerun from a launch plan's action starts its child anew; one from after it keeps the child's outputs", async () => {
  await world.startScheduler();
  await world.startEcho();
  await register(chainOf("leaf", ECHO, 1), [ECHO]);
  const nodes = [
    launchPlanNode("n0", "leaf", { inputs: [bindTo("x", "", "x")] }),
    taskNode("n1", ECHO, [bindTo("x", "n0", "x")]),
  ];
  const workflowId = await register(workflowOf("top", nodes, PASSES_X, [bindTo("x", "n1", "x")]), [ECHO]);
  const top = await world.launch(workflowId, 5n);
  await world.untilPhase(top, "succeeded");
  const rerun = async (from: string) => {
    const more = { mode: "recovered", referenceRunId: top, rerunFrom: [from] } as const;
    const again = await world.launch(workflowId, 5n, more);
    await world.untilPhase(again, "succeeded");
    expect(await outputsOf(again)).toEqual(literalsOf(5n));
    return (await childrenOf(again)).map(({ mode, phase }) => [mode, phase]);
  };
  expect(await rerun("n0")).toEqual([["child_workflow", "succeeded"]]);
  expect(await rerun("n1")).toEqual([]);
  await expectNothingLeft();
});
