import { create } from "@bufbuild/protobuf";
import { toBytes } from "@skein/idl";
import {
  CatalogCacheStatus,
  CompiledWorkflowClosureSchema,
  LiteralMapSchema,
  NodeExecution_Phase,
  ResourceType,
  TaskExecution_Phase,
} from "@skein/idl/core";
import {
  bindTo,
  echoTask,
  insertRow,
  insertRun,
  integerInputs,
  integerInterface,
  launchPlanNode,
  launchPlanOf,
  listInterface,
  mapOf,
  TEST_TENANT,
  taskNode,
  testId,
  workflowOf,
} from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OpenTestAdmin, openTestAdmin, rejection } from "./test-admin.ts";

const NAME = "kinds";
const executionId = { ...TEST_TENANT, name: NAME };
const TASK_KEY = "flytesnacks:development:echo:v1";
const STARTED = new Date("2026-01-01T00:00:00Z");
const ENDED = new Date("2026-01-01T00:00:02Z");
const FAILURE = { error_code: "USER:Broken", error_message: "broken", error_kind: "user" };
const ITEMS = 6_000;

let open: OpenTestAdmin;
let runId = "";
let workflowId = 0;

beforeAll(async () => {
  open = await openTestAdmin();
  const task = echoTask("echo");
  const child = workflowOf("child", [taskNode("n0", task, [bindTo("x", "", "x")])], integerInterface(["x"], []));
  const x = [bindTo("x", "", "x")];
  const maps = [
    mapOf("map", taskNode("item", task), { inputs: x }),
    mapOf("plans", launchPlanNode("item", "child"), { inputs: x }),
  ];
  await open.admin.createTask(task);
  for (const workflow of [child, workflowOf("kinds", maps, listInterface(["x"], []))]) {
    await open.admin.createWorkflow(workflow);
    await open.admin.createLaunchPlan(launchPlanOf(workflow));
  }
  const { rows } = await open.pool.query<{ id: string }>("select id from workflows where name = 'kinds'");
  workflowId = Number(rows[0]?.id);
  runId = await insertRun(open.pool, workflowId, { name: NAME, phase: "running" });
  await insertActions();
});
afterAll(() => open.close());

const isOpen = (phase: string) => ["queued", "running", "failing", "aborting"].includes(phase);

/** What a scheduler writes. */
const action = (ordinal: number, name: string, kind: string, phase: string, more = {}, run = runId) =>
  insertRow(open.pool, "actions", {
    run_id: run,
    ...TEST_TENANT,
    ordinal,
    name,
    spec_node_id: name,
    kind,
    phase,
    changed_seq: 2,
    started_at: STARTED,
    ended_at: isOpen(phase) ? null : ENDED,
    ...more,
  });

const child = (name: string, run: string, ordinal: number, attempt: number) =>
  insertRun(open.pool, workflowId, { name, parent_run_id: run, parent_ordinal: ordinal, parent_attempt: attempt });

async function insertActions(): Promise<void> {
  await action(2, "sub", "workflow", "running");
  await action(3, "branch", "branch", "succeeded");
  await action(4, "branch-0-taken", "task", "succeeded", { parent_ordinal: 3, task_key: TASK_KEY, attempts: 1 });
  await action(5, "branch-0-left", "task", "skipped", { parent_ordinal: 3, task_key: TASK_KEY });
  await action(6, "dynamic", "task", "running", { task_key: TASK_KEY, attempts: 1, is_expanded: true });
  await action(7, "dynamic-0-dn0", "task", "queued", { parent_ordinal: 6, task_key: TASK_KEY });
  await action(8, "recovered", "task", "succeeded", { task_key: TASK_KEY, is_recovered: true });
  await action(9, "cached", "task", "succeeded", { task_key: TASK_KEY, cache_status: "hit" });
  await action(10, "plan", "launch_plan", "running", { attempts: 2 });
  await child("child-0", runId, 10, 0);
  await child("child-1", runId, 10, 1);
  await action(11, "gate", "gate", "running");
  await insertExpansion();
  await insertMaps();
  await insertRecoveredPlan();
}

async function insertExpansion(): Promise<void> {
  const id = testId(ResourceType.WORKFLOW, "written");
  const compiled = create(CompiledWorkflowClosureSchema, { primary: { template: { id } } });
  await insertRow(open.pool, "expansions", {
    run_id: runId,
    ordinal: 6,
    compiled: toBytes(CompiledWorkflowClosureSchema, compiled),
    spec_uri: "s3://b/futures.pb",
  });
}

/** A map of 10,000 with 6,000 begun, two of them failed and one running; and a map over launch plans. */
async function insertMaps(): Promise<void> {
  await action(100, "map", "array", "running", { item_count: 10_000 });
  await open.pool.query(
    `insert into actions (run_id, project, domain, ordinal, name, parent_ordinal, spec_node_id, kind, task_key, item_index,
                          inputs_ordinal, phase, attempts, user_failures, changed_seq, started_at, ended_at)
     select $1, $2, $3, 101 + i, 'map.' || i, 100, 'n' || i, 'task', $4, i, 100,
            (case when i in (4000, 5999) then 'failed' when i = 5500 then 'running' else 'succeeded' end)::action_phase,
            case when i = 5999 then 2 else 1 end, case when i = 5999 then 2 else 0 end, 2, now(),
            case when i = 5500 then null else now() end
     from generate_series(0, $5::int - 1) i`,
    [runId, TEST_TENANT.project, TEST_TENANT.domain, TASK_KEY, ITEMS],
  );
  const data = toBytes(LiteralMapSchema, create(LiteralMapSchema, integerInputs({ x: [1, 2, 3] })));
  await insertRow(open.pool, "action_values", { run_id: runId, ordinal: 100, side: "inputs", data, size_bytes: 1 });
  await action(20_000, "plans", "array", "failed", { item_count: 2, ...FAILURE });
  const plan = { parent_ordinal: 20_000, attempts: 1 };
  await action(20_001, "plans.0", "launch_plan", "succeeded", { ...plan, item_index: 0, spec_node_id: "n0" });
  await action(20_002, "plans.1", "launch_plan", "failed", { ...plan, item_index: 1, spec_node_id: "n1", ...FAILURE });
  await child("item-0", runId, 20_001, 0);
  await child("item-1", runId, 20_002, 0);
}

/** A run that took a launch plan's action over from one that had taken it over itself. */
async function insertRecoveredPlan(): Promise<void> {
  const first = await insertRun(open.pool, workflowId, { name: "first" });
  const second = await insertRun(open.pool, workflowId, { name: "second", reference_run_id: first });
  const third = await insertRun(open.pool, workflowId, { name: "third", reference_run_id: second });
  await action(5, "plan", "launch_plan", "succeeded", { attempts: 1 }, first);
  await child("made-first", first, 5, 0);
  await action(6, "plan", "launch_plan", "succeeded", { is_recovered: true, reference_ordinal: 5 }, second);
  await action(7, "plan", "launch_plan", "succeeded", { is_recovered: true, reference_ordinal: 6 }, third);
}

const list = (uniqueParentId = "", filters = "") =>
  open.admin.listNodeExecutions({ workflowExecutionId: executionId, limit: 100, uniqueParentId, filters });
const namesUnder = async (parent: string, filters = "") =>
  (await list(parent, filters)).nodeExecutions.map(({ id }) => id?.nodeId);
const node = (nodeId: string, name = NAME) =>
  open.admin.getNodeExecution({ id: { executionId: { ...TEST_TENANT, name }, nodeId } });
const id = (nodeId: string) => ({ executionId, nodeId });

describe("node executions of every kind", () => {
  test("stand under their parents; tasks that are a map's items do not, child runs that are do", async () => {
    const top = ["sub", "branch", "dynamic", "recovered", "cached", "plan", "gate", "map", "plans"];
    expect(await namesUnder("")).toEqual(top);
    expect(await namesUnder("branch")).toEqual(["branch-0-taken", "branch-0-left"]);
    expect(await namesUnder("dynamic")).toEqual(["dynamic-0-dn0"]);
    expect(await namesUnder("map")).toEqual([]);
    expect(await namesUnder("plans")).toEqual(["plans.0", "plans.1"]);
  });

  test("say what they are", async () => {
    const flags = Object.fromEntries(
      (await list()).nodeExecutions.map(({ id, metadata }) => [
        id?.nodeId,
        [metadata?.isParentNode && "parent", metadata?.isDynamic && "dynamic", metadata?.isArray && "array"]
          .filter(Boolean)
          .join(" "),
      ]),
    );
    expect(flags).toEqual({
      sub: "parent",
      branch: "",
      dynamic: "parent dynamic",
      recovered: "",
      cached: "",
      plan: "",
      gate: "",
      map: "array",
      plans: "array",
    });
  });

  test("have phases of their own where they were taken over, run what their task wrote, or were left out", async () => {
    expect((await node("recovered")).closure?.phase).toBe(NodeExecution_Phase.RECOVERED);
    expect((await node("dynamic")).closure?.phase).toBe(NodeExecution_Phase.DYNAMIC_RUNNING);
    expect((await node("branch-0-left")).closure?.phase).toBe(NodeExecution_Phase.SKIPPED);
    expect(await namesUnder("", "eq(phase,RECOVERED)")).toEqual(["recovered"]);
    expect(await namesUnder("", "value_in(phase,DYNAMIC_RUNNING;SUCCEEDED)")).toEqual(["branch", "dynamic", "cached"]);
  });

  test("name the newest run that they started, also where an earlier run started it for them", async () => {
    const childOf = async (nodeId: string, name = NAME) => {
      const target = (await node(nodeId, name)).closure?.targetMetadata;
      return target?.case === "workflowNodeMetadata" ? target.value.executionId?.name : target?.case;
    };
    expect(await childOf("plan")).toBe("child-1");
    expect(await childOf("plans.1")).toBe("item-1");
    expect(await childOf("plan", "third")).toBe("made-first");
    expect(await childOf("sub")).toBeUndefined();
    const listed = (await list()).nodeExecutions.find(({ id }) => id?.nodeId === "plan")?.closure?.targetMetadata;
    expect(listed).toMatchObject({ case: "workflowNodeMetadata", value: { executionId: { name: "child-1" } } });
  });

  test("tell what the cache did", async () => {
    expect((await node("cached")).closure?.targetMetadata).toMatchObject({
      case: "taskNodeMetadata",
      value: { cacheStatus: CatalogCacheStatus.CACHE_HIT },
    });
  });

  test("answer the workflow that their task wrote, and only then", async () => {
    const data = await open.admin.getNodeExecutionData({ id: id("dynamic") });
    expect(data.dynamicWorkflow).toMatchObject({
      id: { name: "written" },
      compiledWorkflow: { primary: { template: { id: { name: "written" } } } },
      dynamicJobSpecUri: "s3://b/futures.pb",
    });
    expect((await node("dynamic")).closure?.dynamicJobSpecUri).toBe("s3://b/futures.pb");
    const { compiledWorkflow } = await open.admin.getDynamicNodeWorkflow({ id: id("dynamic") });
    expect(compiledWorkflow?.primary?.template?.id?.name).toBe("written");
    expect((await open.admin.getNodeExecutionData({ id: id("cached") })).dynamicWorkflow).toBeUndefined();
    const error = await rejection(open.admin.getDynamicNodeWorkflow({ id: id("cached") }));
    expect(error.code).toBe("not_found");
  });

  test("that share the inputs of their map answer their own part, and all where there is none", async () => {
    const inputsOf = async (nodeId: string) => {
      const { fullInputs } = await open.admin.getNodeExecutionData({ id: id(nodeId) });
      return fullInputs;
    };
    expect(await inputsOf("map.1")).toEqual(create(LiteralMapSchema, integerInputs({ x: 2 })));
    expect(await inputsOf("map.7")).toEqual(create(LiteralMapSchema, integerInputs({ x: [1, 2, 3] })));
  });
});

describe("the task execution of a map", () => {
  const listed = async (nodeId: string) => {
    const { taskExecutions } = await open.admin.listTaskExecutions({ nodeExecutionId: id(nodeId), limit: 100 });
    expect(taskExecutions).toHaveLength(1);
    return taskExecutions[0];
  };

  test("is one, of the mapped task, and can be read again by its whole id", async () => {
    const task = await listed("map");
    expect(task?.id).toMatchObject({ taskId: testId(ResourceType.TASK, "echo"), retryAttempt: 0 });
    const again = await open.admin.getTaskExecution({ id: task?.id });
    expect(again.closure).toMatchObject({ phase: TaskExecution_Phase.RUNNING, taskType: "container_array" });
    const data = await open.admin.getTaskExecutionData({ id: task?.id });
    expect(data.fullInputs?.literals.x?.value.case).toBe("collection");
    const second = { nodeExecutionId: id("map"), retryAttempt: 1 };
    expect((await rejection(open.admin.getTaskExecution({ id: second }))).code).toBe("not_found");
  });

  test("holds what fails and runs even where there are more items than an answer takes, and counts all", async () => {
    const closure = (await listed("map"))?.closure;
    const items = closure?.metadata?.externalResources ?? [];
    expect(items).toHaveLength(5_000);
    expect(items.map(({ index }) => index)).toEqual(items.map(({ index }) => index).toSorted((a, b) => a - b));
    const of = (index: number) => items.find((item) => item.index === index);
    expect(of(4_000)?.phase).toBe(TaskExecution_Phase.FAILED);
    expect(of(5_500)?.phase).toBe(TaskExecution_Phase.RUNNING);
    expect(of(5_999)).toMatchObject({ phase: TaskExecution_Phase.FAILED, retryAttempt: 1 });
    expect(of(5_999)?.logs[0]?.uri).toContain(encodeURIComponent('"action":"map.5999","attempt":1'));
    expect(of(5_998)).toBeUndefined();
    expect(closure?.reason).toBe(
      "10000 items: 1 running, 5997 succeeded, 2 failed, 4000 not begun; 5000 of them are shown, failed and running ones first",
    );
  });

  test("over a launch plan names the runs of its items", async () => {
    const task = await listed("plans");
    expect(task?.id?.taskId).toMatchObject({ resourceType: ResourceType.LAUNCH_PLAN, name: "child" });
    expect(task?.closure?.outputResult).toMatchObject({ case: "error", value: { code: "USER:Broken" } });
    expect(task?.closure?.metadata?.externalResources).toMatchObject([
      { index: 0, logs: [], targetMetadata: { value: { executionId: { name: "item-0" } } } },
      { index: 1, phase: TaskExecution_Phase.FAILED, targetMetadata: { value: { executionId: { name: "item-1" } } } },
    ]);
  });

  test("cannot be filtered", async () => {
    const request = { nodeExecutionId: id("map"), limit: 100, filters: "eq(retry_attempt,0)" };
    expect((await rejection(open.admin.listTaskExecutions(request))).code).toBe("invalid_argument");
  });
});

test("the metrics of a run hold its nodes at their depth, and the runs that they started", async () => {
  const { span } = await open.admin.getExecutionMetrics({ id: executionId, depth: -1 });
  expect(span?.id).toMatchObject({ case: "workflowId", value: { name: NAME } });
  const nodes = (span?.spans ?? []).flatMap(({ id, spans }) =>
    id.case === "nodeId" ? [{ id: id.value.nodeId, spans }] : [],
  );
  expect(nodes.map(({ id }) => id)).toContain("map");
  const plan = nodes.find(({ id }) => id === "plan");
  expect(plan?.spans.map(({ id }) => id.case)).toEqual(["operationId", "workflowId", "operationId"]);
  const dynamic = nodes.find(({ id }) => id === "dynamic");
  expect(dynamic?.spans.some(({ id }) => id.case === "nodeId" && id.value.nodeId === "dynamic-0-dn0")).toBe(true);
  expect((await open.admin.getExecutionMetrics({ id: executionId, depth: 0 })).span?.spans).toEqual([]);
});
