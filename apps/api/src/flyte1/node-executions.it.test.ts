import { create } from "@bufbuild/protobuf";
import { toBytes } from "@skein/idl";
import {
  ExecutionError_ErrorKind,
  LiteralMapSchema,
  NodeExecution_Phase,
  ResourceType,
  TaskExecution_Phase,
  WorkflowExecution_Phase,
} from "@skein/idl/core";
import { chainOf, echoTask, insertRow, integerInputs, launchPlanOf, TEST_TENANT, testId } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OpenTestAdmin, openTestAdmin, rejection } from "./test-admin.ts";

const NAME = "watched";
const executionId = { ...TEST_TENANT, name: NAME };
const LONG_MESSAGE = `Trace:\n\n${"x".repeat(5_000)}\nMessage:\n\n    ValueError: Fail!`;
const TASK_KEY = "flytesnacks:development:echo:v1";

let open: OpenTestAdmin;
beforeAll(async () => {
  open = await openTestAdmin();
  const task = echoTask("echo");
  const workflow = chainOf("chain", task, 2);
  await open.admin.createTask(task);
  await open.admin.createWorkflow(workflow);
  await open.admin.createLaunchPlan(launchPlanOf(workflow));
  const spec = { launchPlan: testId(ResourceType.LAUNCH_PLAN, "chain") };
  await open.admin.createExecution({ ...TEST_TENANT, name: NAME, spec, inputs: integerInputs({ x: 7 }) });
  await insertRowsOfAFailedRun();
});
afterAll(() => open.close());

/** What a scheduler writes: n0 failed once and then succeeded, n1 is a sub-workflow that failed through its child. */
async function insertRowsOfAFailedRun(): Promise<void> {
  const { rows } = await open.pool.query<{ id: string }>("select id from runs where name = $1", [NAME]);
  const runId = rows[0]?.id ?? "";
  const [started, ended] = [new Date("2026-01-01T00:00:00Z"), new Date("2026-01-01T00:00:02.500Z")];
  const failure = { error_code: "USER:Broken", error_message: LONG_MESSAGE, error_kind: "user" };
  const action = (ordinal: number, name: string, kind: string, phase: string, more = {}) =>
    insertRow(open.pool, "actions", {
      run_id: runId,
      ...TEST_TENANT,
      ordinal,
      name,
      spec_node_id: name,
      kind,
      phase,
      changed_seq: 2,
      started_at: started,
      ended_at: phase === "queued" || phase === "running" ? null : ended,
      ...more,
    });
  await action(0, "start-node", "start", "succeeded");
  await action(1, "end-node", "end", "aborted");
  await action(2, "n0", "task", "succeeded", { attempts: 2, user_failures: 1, task_key: TASK_KEY });
  await action(3, "n1", "workflow", "failed", failure);
  await action(4, "n1-0-n0", "task", "failed", { ...failure, parent_ordinal: 3, attempts: 1, task_key: TASK_KEY });
  const attempt = (ordinal: number, number: number, phase: string, more = {}) =>
    insertRow(open.pool, "attempts", {
      run_id: runId,
      ordinal,
      attempt: number,
      project: TEST_TENANT.project,
      shard: 0,
      pool: "default",
      kind: "container",
      phase,
      token_hash: new Uint8Array(32),
      queued_at: started,
      started_at: started,
      ended_at: ended,
      changed_seq: 2,
      ...more,
    });
  await attempt(2, 0, "failed", { ...failure, error_recoverable: true });
  await attempt(2, 1, "succeeded", { agent_id: "agent-1" });
  await attempt(4, 0, "failed", { ...failure, error_recoverable: false });
  const data = toBytes(LiteralMapSchema, create(LiteralMapSchema, integerInputs({ x: 9 })));
  for (const side of ["inputs", "outputs"]) {
    await insertRow(open.pool, "action_values", { run_id: runId, ordinal: 2, side, data, size_bytes: data.length });
  }
  await open.pool.query(
    `update runs set phase = 'failed', started_at = $2, ended_at = $3, error_code = 'USER:Broken', error_message = $4,
     error_kind = 'user' where id = $1`,
    [runId, started, ended, LONG_MESSAGE],
  );
}

const list = (uniqueParentId = "", filters = "") =>
  open.admin.listNodeExecutions({ workflowExecutionId: executionId, limit: 100, uniqueParentId, filters });

describe("a run that failed", () => {
  test("has its error whole, and its first 100 characters in lists", async () => {
    const run = await open.admin.getExecution({ id: executionId });
    expect(run.closure?.phase).toBe(WorkflowExecution_Phase.FAILED);
    expect(run.closure?.outputResult).toMatchObject({
      case: "error",
      value: { code: "USER:Broken", message: LONG_MESSAGE, kind: ExecutionError_ErrorKind.USER },
    });
    expect(run.closure?.duration).toMatchObject({ seconds: 2n, nanos: 500_000_000 });
    const runs = await open.admin.listExecutions({ id: TEST_TENANT, limit: 10, filters: "eq(phase,FAILED)" });
    const listed = runs.executions[0]?.closure?.outputResult;
    expect(listed?.case === "error" ? listed.value.message : "").toHaveLength(100);
  });

  test.each([
    ["value_in(phase,FAILED;ABORTED)+gt(duration,2)", 1],
    ["gt(duration,1h)", 0],
    ["eq(workflow.name,chain)+eq(launch_plan.version,v1)", 1],
    ["eq(task.name,echo)", 0],
    ["ne(phase,FAILED)", 0],
    ["contains(name,atch)", 1],
    ["contains(name,%)", 0],
    ["eq(error_kind,USER)+eq(user,anonymous)+eq(mode,0)", 1],
    ["value_not_in(name,a;b)", 1],
    ["gte(started_at,2026-01-01T00:00:00Z)+lt(started_at,2026-01-01T00:00:00.001Z)", 1],
    ["eq(launch_entity,launch_plan)", 1],
  ])("is found, or not, by %s", async (filters, count) => {
    const runs = await open.admin.listExecutions({ id: TEST_TENANT, limit: 10, filters });
    expect(runs.executions).toHaveLength(count);
  });
});

describe("node executions", () => {
  test("at the top are those without a parent, in order of creation", async () => {
    const { nodeExecutions } = await list();
    expect(nodeExecutions.map((node) => node.id?.nodeId)).toEqual(["start-node", "end-node", "n0", "n1"]);
    expect(nodeExecutions.map((node) => node.closure?.phase)).toEqual([
      NodeExecution_Phase.SUCCEEDED,
      NodeExecution_Phase.ABORTED,
      NodeExecution_Phase.SUCCEEDED,
      NodeExecution_Phase.FAILED,
    ]);
    expect(nodeExecutions.map((node) => node.metadata?.isParentNode)).toEqual([false, false, false, true]);
  });

  test("below a parent are its children", async () => {
    const { nodeExecutions } = await list("n1");
    expect(nodeExecutions.map((node) => node.id?.nodeId)).toEqual(["n1-0-n0"]);
  });

  test("can be filtered by their phase and by their run's", async () => {
    expect((await list("", "eq(phase,FAILED)+eq(execution.phase,FAILED)")).nodeExecutions).toHaveLength(1);
    expect((await list("", "eq(execution.phase,RUNNING)")).nodeExecutions).toHaveLength(0);
  });

  test("answer their values inline, and empty messages while there are none", async () => {
    const id = { executionId, nodeId: "n0" };
    const data = await open.admin.getNodeExecutionData({ id });
    expect(data.fullOutputs?.literals.x).toBeDefined();
    expect(data.flyteUrls?.outputs).toBe("flyte://v1/flytesnacks/development/watched/n0/o");
    const none = await open.admin.getNodeExecutionData({ id: { executionId, nodeId: "n1" } });
    expect(none.fullInputs?.literals).toEqual({});
    expect(none.fullOutputs?.literals).toEqual({});
  });

  test("that do not exist are not found", async () => {
    const error = await rejection(open.admin.getNodeExecution({ id: { executionId, nodeId: "n9" } }));
    expect(error).toMatchObject({ code: "not_found" });
    expect((await rejection(list("n9"))).code).toBe("not_found");
  });
});

describe("task executions", () => {
  const nodeExecutionId = { executionId, nodeId: "n0" };

  test("tell a failure with another try from the last one", async () => {
    const phases = async (nodeId: string) => {
      const request = { nodeExecutionId: { executionId, nodeId }, limit: 10 };
      const { taskExecutions } = await open.admin.listTaskExecutions(request);
      return taskExecutions.map((task) => task.closure?.phase);
    };
    expect(await phases("n0")).toEqual([TaskExecution_Phase.RETRYABLE_FAILED, TaskExecution_Phase.SUCCEEDED]);
    expect(await phases("n1-0-n0")).toEqual([TaskExecution_Phase.FAILED]);
    expect(await phases("n1")).toEqual([]);
  });

  test("are read again by their whole id, task included", async () => {
    const { taskExecutions } = await open.admin.listTaskExecutions({
      nodeExecutionId,
      limit: 10,
      filters: "eq(task.name,echo)+eq(retry_attempt,1)",
    });
    const [task] = taskExecutions;
    expect(task?.id?.taskId).toMatchObject({ resourceType: ResourceType.TASK, name: "echo", version: "v1" });
    const again = await open.admin.getTaskExecution({ id: task?.id });
    expect(again.closure).toMatchObject({ taskType: "echo", reason: "succeeded on agent agent-1" });
    const other = { taskId: testId(ResourceType.TASK, "other"), nodeExecutionId, retryAttempt: 1 };
    expect((await rejection(open.admin.getTaskExecution({ id: other }))).code).toBe("not_found");
  });

  test("have outputs only where they succeeded", async () => {
    const data = (retryAttempt: number) => open.admin.getTaskExecutionData({ id: { nodeExecutionId, retryAttempt } });
    expect((await data(1)).fullOutputs?.literals.x).toBeDefined();
    expect((await data(0)).fullOutputs?.literals).toEqual({});
    expect((await data(0)).fullInputs?.literals.x).toBeDefined();
    expect((await rejection(data(2))).code).toBe("not_found");
  });
});
