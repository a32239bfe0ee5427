import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { insertRun as insertLaunchedRun } from "@skein/db";
import { compileWorkflow, type GraphNode, readProgram } from "@skein/engine";
import { ExecutionSpecSchema, LaunchPlanClosureSchema, LaunchPlanSpecSchema } from "@skein/idl/admin";
import { CompiledWorkflowClosureSchema, type Identifier, LiteralMapSchema, ResourceType } from "@skein/idl/core";
import { NESTING_MAX } from "@skein/launch";
import { openStorage, type Storage } from "@skein/storage";
import { openLogger } from "@skein/telemetry";
import {
  createTempFolder,
  createTestDatabase,
  insertLaunchPlan,
  insertProject,
  insertRow,
  insertRun,
  insertWorkflow,
  integerInputs,
  integerInterface,
  launchPlanNode,
  TEST_TENANT,
  type TestDatabase,
  testId,
  waitFor,
  workflowOf,
} from "@skein/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Values } from "../values.ts";
import { abortChild } from "./abort-child.ts";
import type { CarryOut, Errand, ErrandOutcome, ErrandTools } from "./errand.ts";
import { launchChild } from "./launch-child.ts";

const folder = createTempFolder("launch-child");
let database: TestDatabase;
let storage: Storage;
let workflowId: number;
let tools: ErrandTools;
let wakeUps = 0;
beforeAll(async () => {
  database = await createTestDatabase();
  await insertProject(database.pool);
  await insertProject(database.pool, { id: "theirs" });
  workflowId = await insertWorkflow(database.pool);
  await register("child");
  storage = await openStorage({ uri: `file://${folder.path}` });
  const { pool, db } = database;
  const logger = openLogger({ name: "test", level: "silent" });
  const onEvents = () => {
    wakeUps += 1;
  };
  tools = { pool, db, values: new Values(pool, storage), storage, logger, onEvents };
});
afterAll(async () => {
  await storage.close();
  await database.close();
  await folder.close();
});
beforeEach(async () => {
  wakeUps = 0;
  await database.pool.query("truncate runs, actions, action_values, events, run_inputs, run_tags cascade");
});

/** A launch plan that takes `x`. */
async function register(
  name: string,
  spec: Parameters<typeof create<typeof LaunchPlanSpecSchema>>[1] = {},
  project: string = TEST_TENANT.project,
) {
  const parameters = { x: { var: integerInterface(["x"], []).inputs?.variables.x ?? {} } };
  const closure = create(LaunchPlanClosureSchema, { expectedInputs: { parameters } });
  await insertLaunchPlan(database.pool, workflowId, {
    name,
    project,
    spec: toBinary(LaunchPlanSpecSchema, create(LaunchPlanSpecSchema, spec)),
    closure: toBinary(LaunchPlanClosureSchema, closure),
  });
}

/** The compiled workflow of a node that launches `plan`. */
function compiledWith(plan: Identifier) {
  const node = launchPlanNode("n0", plan.name);
  if (node.target.case === "workflowNode") node.target.value.reference = { case: "launchplanRef", value: plan };
  const template = workflowOf("parent", [node], integerInterface([], [])).spec?.template;
  if (!template) throw new Error("a workflow has a template");
  const launchPlans = [{ id: plan, expectedInputs: undefined, expectedOutputs: undefined }];
  const compiled = compileWorkflow({ template, tasks: [], launchPlans });
  if (!("closure" in compiled)) throw new Error(JSON.stringify(compiled.errors));
  return compiled.closure;
}

function nodeOf(plan: Identifier): GraphNode {
  const node = readProgram(compiledWith(plan)).root.nodes.find(({ id }) => id === "n0");
  if (!node) throw new Error("the workflow has the node");
  return node;
}

interface Wanted {
  readonly plan?: Identifier;
  readonly runName?: string;
  readonly workflowId?: number;
  readonly spec?: Parameters<typeof create<typeof ExecutionSpecSchema>>[1];
  readonly inputs?: Record<string, number>;
  readonly attempt?: number;
  readonly reference?: { readonly runId: string; readonly ordinal: number };
}

const ORDINAL = 2;

/** A running action of a new run, and the errand to launch its child. */
async function errandOf(wanted: Wanted = {}): Promise<Errand> {
  const { plan = testId(ResourceType.LAUNCH_PLAN, "child"), runName = "parent", attempt = 0, reference } = wanted;
  const name = `${runName}${(await countRuns()) || ""}`;
  const spec = Buffer.from(toBinary(ExecutionSpecSchema, create(ExecutionSpecSchema, wanted.spec)));
  const runId = await insertRun(database.pool, workflowId, { name, principal: "ada", spec });
  const place = { run_id: runId, ordinal: ORDINAL };
  const action = { name: "n0", spec_node_id: "n0", kind: "launch_plan", phase: "running", attempts: attempt + 1 };
  await insertRow(database.pool, "actions", { ...place, ...TEST_TENANT, ...action, changed_seq: 1 });
  const data = Buffer.from(
    toBinary(LiteralMapSchema, create(LiteralMapSchema, integerInputs(wanted.inputs ?? { x: 7 }))),
  );
  await insertRow(database.pool, "action_values", { ...place, side: "inputs", data, size_bytes: data.length });
  return {
    id: 1,
    kind: "launch_child",
    run: {
      runId,
      shard: 0,
      org: "",
      ...TEST_TENANT,
      name,
      workflowId: wanted.workflowId ?? workflowId,
      referenceRunId: reference?.runId ?? null,
      overwriteCache: false,
      parent: null,
    },
    ordinal: ORDINAL,
    attempt,
    action: {
      name: "n0",
      kind: "launch_plan",
      node: nodeOf(plan),
      itemIndex: null,
      itemCount: null,
      inputsOrdinal: null,
      referenceOrdinal: reference?.ordinal ?? null,
      phase: "running",
      attempts: attempt + 1,
    },
    map: null,
  };
}

const countRuns = async (): Promise<number> => {
  const { rows } = await database.pool.query<{ count: number }>("select count(*)::int as count from runs");
  return rows[0]?.count ?? 0;
};

async function carryOut(carry: CarryOut, errand: Errand): Promise<ErrandOutcome> {
  const [outcome] = await carry([errand]);
  if (!outcome) throw new Error("each errand has an outcome");
  return outcome;
}
const launch = (errand: Errand) => carryOut(launchChild(tools), errand);
const abort = (errand: Errand) => carryOut(abortChild(tools), errand);

interface ChildRow {
  readonly id: string;
  readonly name: string;
  readonly mode: string;
  readonly principal: string;
  readonly reference: string | null;
  readonly attempt: number;
  readonly spec: Buffer;
}

async function childrenOf({ run }: Errand): Promise<ChildRow[]> {
  const { rows } = await database.pool.query<ChildRow>(
    `select id, name, mode, principal, reference_run_id as reference, parent_attempt as attempt, spec
     from runs where parent_run_id = $1 and parent_ordinal = $2 order by parent_attempt`,
    [run.runId, ORDINAL],
  );
  return rows;
}

async function onlyChildOf(errand: Errand): Promise<ChildRow> {
  const children = await childrenOf(errand);
  const [child] = children;
  if (!child || children.length > 1) throw new Error(`expected one child, found ${children.length}`);
  return child;
}

const specOf = ({ spec }: ChildRow) => fromBinary(ExecutionSpecSchema, spec);

async function eventsOf(runId: string): Promise<unknown[]> {
  const { rows } = await database.pool.query("select event from events where run_id = $1 order by id", [runId]);
  return rows.map(({ event }) => event);
}

const failureOf = (outcome: ErrandOutcome) =>
  outcome.type === "told" && outcome.event.type === "childEnded" ? outcome.event.failure : undefined;

describe("a child run", () => {
  test("is started once, in its parent's name and place, with what its parent hands down", async () => {
    const parent = {
      labels: { values: { team: "geese" } },
      envs: { values: [{ key: "A", value: "1" }] },
      maxParallelism: 3,
      overwriteCache: true,
      interruptible: true,
      tags: ["mine"],
      metadata: { nesting: 4 },
    };
    const errand = await errandOf({ spec: parent });
    expect(await launch(errand)).toEqual({ type: "done" });
    expect(await launch(errand)).toEqual({ type: "done" });
    expect(wakeUps).toBe(1);
    const child = await onlyChildOf(errand);
    expect(child).toMatchObject({ name: "parent-n0-0", mode: "child_workflow", principal: "ada", reference: null });
    const spec = specOf(child);
    expect(spec).toMatchObject({ maxParallelism: 3, overwriteCache: true, interruptible: true, tags: [] });
    expect([spec.labels?.values, spec.envs?.values[0]?.value]).toEqual([{ team: "geese" }, "1"]);
    expect(spec.launchPlan?.name).toBe("child");
    expect(spec.metadata).toMatchObject({
      nesting: 5,
      principal: "ada",
      parentNodeExecution: { nodeId: "n0", executionId: { ...TEST_TENANT, name: "parent" } },
    });
    expect(await eventsOf(child.id)).toEqual([{ type: "runStarted", atMs: expect.any(Number) }]);
  });

  test("of each try is another run", async () => {
    const errand = await errandOf();
    await launch(errand);
    await database.pool.query("update actions set attempts = 2");
    await launch({ ...errand, attempt: 1 });
    expect((await childrenOf(errand)).map(({ name }) => name)).toEqual(["parent-n0-0", "parent-n0-1"]);
  });

  test("gets another name where its own is taken, and a short one where it is too long", async () => {
    await insertRun(database.pool, workflowId, { name: "taken1-n0-0" });
    const errand = await errandOf({ runName: "taken" });
    await launch(errand);
    expect((await onlyChildOf(errand)).name).toMatch(/^taken1-n0-0-[a-z0-9]{5}$/);
    const long = await errandOf({ runName: "a-run-with-a-long-name" });
    await launch(long);
    expect((await onlyChildOf(long)).name).toMatch(/^f[a-z1-6]{13}$/);
  });

  test("of two schedulers at once there is one", async () => {
    const errand = await errandOf();
    const outcomes = await Promise.all([launch(errand), launch(errand), launch(errand)]);
    expect(outcomes).toEqual([{ type: "done" }, { type: "done" }, { type: "done" }]);
    expect(await childrenOf(errand)).toHaveLength(1);
  });

  test("keeps large inputs in the object store", async () => {
    const errand = await errandOf();
    const literals = { x: integerInputs({ x: 7 }).literals?.x ?? {} };
    const large = toBinary(LiteralMapSchema, create(LiteralMapSchema, { literals }));
    const uri = storage.join("large.pb");
    await storage.put(uri, large);
    await database.pool.query("update action_values set data = null, uri = $1 where side = 'inputs'", [uri]);
    await launch(errand);
    const { rows } = await database.pool.query("select data from run_inputs where run_id = $1", [
      (await onlyChildOf(errand)).id,
    ]);
    expect(rows[0]?.data).toEqual(Buffer.from(large));
  });
});

describe("a child run that cannot be", () => {
  test("fails its action in words: no such launch plan, wrong inputs, an archived project", async () => {
    const unknown = await errandOf({ plan: testId(ResourceType.LAUNCH_PLAN, "nowhere") });
    expect(failureOf(await launch(unknown))).toMatchObject({ code: "LaunchPlanNotFound", kind: "user" });
    const wrong = await errandOf({ inputs: { y: 1 } });
    expect(failureOf(await launch(wrong))).toMatchObject({
      code: "InputsInvalid",
      message: expect.stringContaining("x"),
    });
    await database.pool.query("update projects set state = 'archived' where id = $1", [TEST_TENANT.project]);
    const inactive = failureOf(await launch(await errandOf()));
    await database.pool.query("update projects set state = 'active'");
    expect(inactive).toMatchObject({ code: "ProjectInactive", message: expect.stringContaining("n0") });
  });

  test("fails its action where runs start each other without end", async () => {
    const deepest = await errandOf({ spec: { metadata: { nesting: NESTING_MAX - 1 } } });
    expect(await launch(deepest)).toEqual({ type: "done" });
    const deeper = await errandOf({ spec: { metadata: { nesting: NESTING_MAX } } });
    expect(failureOf(await launch(deeper))).toMatchObject({ code: "NestingTooDeep" });
    expect(await childrenOf(deeper)).toEqual([]);
  });

  test("fails its action where the launch plan has as many runs as it may have", async () => {
    await register("limited", { concurrencyPolicy: { max: 1 } });
    const plan = testId(ResourceType.LAUNCH_PLAN, "limited");
    const [first, second] = [await errandOf({ plan }), await errandOf({ plan })];
    expect(await launch(first)).toEqual({ type: "done" });
    expect(failureOf(await launch(second))).toMatchObject({ code: "LaunchLimitReached" });
  });

  test("is one of another project's launch plan, unless the registered workflow names that", async () => {
    await register("foreign", {}, "theirs");
    const plan = { ...testId(ResourceType.LAUNCH_PLAN, "foreign"), project: "theirs" };
    const unnamed = await errandOf({ plan });
    expect(failureOf(await launch(unnamed))).toMatchObject({ code: "LaunchPlanForeign" });
    const compiled = toBinary(CompiledWorkflowClosureSchema, compiledWith(plan));
    const named = await errandOf({ plan, workflowId: await insertWorkflow(database.pool, { compiled }) });
    expect(await launch(named)).toEqual({ type: "done" });
    const { rows } = await database.pool.query("select project from runs where parent_run_id = $1", [named.run.runId]);
    expect(rows).toEqual([TEST_TENANT.project].map((project) => ({ project })));
  });
});

describe("an abort", () => {
  test("is passed on to the child in the name of who aborted the parent", async () => {
    const errand = await errandOf();
    await launch(errand);
    const { id } = await onlyChildOf(errand);
    await database.pool.query("update runs set abort_principal = 'grace' where id = $1", [errand.run.runId]);
    expect(await abort(errand)).toEqual({ type: "done" });
    expect((await eventsOf(id))[1]).toEqual({
      type: "runAbortRequested",
      atMs: expect.any(Number),
      cause: expect.stringMatching(/^parent aborted: run .*parent ended its action n0$/),
      principal: "grace",
    });
  });

  test("asks nothing of a child that is over, which has told its end itself", async () => {
    const errand = await errandOf();
    await launch(errand);
    const { id } = await onlyChildOf(errand);
    await database.pool.query("update runs set phase = 'succeeded', ended_at = now() where id = $1", [id]);
    expect(await abort(errand)).toEqual({ type: "done" });
    expect(await eventsOf(id)).toHaveLength(1);
  });

  test("that comes before the launch leaves no child, and says so", async () => {
    const errand = await errandOf();
    await database.pool.query("update actions set phase = 'aborting'");
    expect(await launch(errand)).toEqual({ type: "done" });
    expect(await childrenOf(errand)).toEqual([]);
    expect(await abort(errand)).toMatchObject({ event: { type: "childEnded", phase: "aborted", attempt: 0 } });
  });

  test("that is being committed while a late scheduler launches leaves no child", async () => {
    const errand = await errandOf();
    const client = await database.pool.connect();
    await client.query("begin");
    await client.query("update actions set phase = 'aborting'");
    const launching = launch(errand);
    await untilSomebodyWaits();
    await client.query("commit");
    client.release();
    expect(await launching).toEqual({ type: "done" });
    expect(await childrenOf(errand)).toEqual([]);
  });

  test("that comes while the launch is being committed finds the child", async () => {
    const errand = await errandOf();
    const client = await database.pool.connect();
    await client.query("begin");
    const value = { data: new Uint8Array(), sizeBytes: 0 };
    const inserted = await insertLaunchedRun(client, {
      id: crypto.randomUUID(),
      ...TEST_TENANT,
      name: "late",
      shard: 0,
      mode: "child_workflow",
      principal: "ada",
      launchPlanId: null,
      taskId: null,
      workflowId,
      referenceRunId: null,
      parent: { runId: errand.run.runId, ordinal: ORDINAL, attempt: 0 },
      spec: new Uint8Array(),
      userInputs: value,
      inputs: value,
      createdAt: new Date(),
    });
    expect(inserted).toBe(true);
    const aborting = database.pool.query("update actions set phase = 'aborting'");
    await untilSomebodyWaits();
    await client.query("commit");
    client.release();
    await aborting;
    expect(await abort(errand)).toEqual({ type: "done" });
    expect(await eventsOf((await onlyChildOf(errand)).id)).toMatchObject([{}, { type: "runAbortRequested" }]);
  });
});

async function untilSomebodyWaits(): Promise<void> {
  await waitFor(async () => {
    const { rows } = await database.pool.query<{ count: number }>(
      `select count(*)::int as count from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return (rows[0]?.count ?? 0) > 0;
  });
}

describe("the child of an action of a recovered run", () => {
  /** A parent whose child is over in this phase. */
  async function endedChild(phase: "failed" | "running"): Promise<{ errand: Errand; childId: string }> {
    const errand = await errandOf();
    await launch(errand);
    const { id } = await onlyChildOf(errand);
    if (phase === "failed") {
      await database.pool.query("update runs set phase = 'failed', error_code = 'E', ended_at = now() where id = $1", [
        id,
      ]);
    }
    return { errand, childId: id };
  }
  const recovering = ({ errand }: { errand: Errand }, more: Wanted = {}) =>
    errandOf({ ...more, reference: { runId: errand.run.runId, ordinal: ORDINAL } });

  test("recovers the child that the reference has there", async () => {
    const reference = await endedChild("failed");
    const errand = await recovering(reference);
    await launch(errand);
    const child = await onlyChildOf(errand);
    expect(child).toMatchObject({ mode: "recovered", reference: reference.childId });
    expect(specOf(child).metadata?.referenceExecution?.name).toBe("parent-n0-0");
    expect(specOf(child).metadata?.parentNodeExecution?.executionId?.name).toBe(errand.run.name);
  });

  test("starts anew where it is given something else, or where there was none", async () => {
    const other = await recovering(await endedChild("failed"), { inputs: { x: 8 } });
    await launch(other);
    expect(await onlyChildOf(other)).toMatchObject({ mode: "child_workflow", reference: null });
    const without = await errandOf({ reference: { runId: other.run.runId, ordinal: 99 } });
    await launch(without);
    expect(await onlyChildOf(without)).toMatchObject({ mode: "child_workflow", reference: null });
  });

  test("starts anew where the store has lost what the reference's child was given", async () => {
    const reference = await endedChild("failed");
    const uri = storage.join("lost.pb");
    await database.pool.query("update run_inputs set data = null, uri = $1", [uri]);
    const errand = await recovering(reference);
    await launch(errand);
    expect(await onlyChildOf(errand)).toMatchObject({ mode: "child_workflow", reference: null });
  });

  test("starts anew while the reference's child goes on", async () => {
    const errand = await recovering(await endedChild("running"));
    await launch(errand);
    expect(await onlyChildOf(errand)).toMatchObject({ mode: "child_workflow", reference: null });
  });
});
