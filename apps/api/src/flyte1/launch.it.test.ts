import { create } from "@bufbuild/protobuf";
import {
  ConcurrencyLimitBehavior,
  ConcurrencyPolicySchema,
  ExecutionMetadata_ExecutionMode,
  ExecutionState,
} from "@skein/idl/admin";
import { ResourceType, SimpleType, TypedInterfaceSchema, WorkflowExecution_Phase } from "@skein/idl/core";
import { chainOf, commandTask, echoTask, integerInputs, launchPlanOf, TEST_TENANT, testId } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OpenTestAdmin, openTestAdmin, rejection } from "./test-admin.ts";

let open: OpenTestAdmin;
beforeAll(async () => {
  open = await openTestAdmin();
  const task = echoTask("echo");
  const workflow = chainOf("chain", task, 3);
  await open.admin.createTask(task);
  await open.admin.createWorkflow(workflow);
  await open.admin.createLaunchPlan(launchPlanOf(workflow));
});
afterAll(() => open.close());

const launchPlan = testId(ResourceType.LAUNCH_PLAN, "chain");
const launch = (name = "") =>
  open.admin.createExecution({ ...TEST_TENANT, name, spec: { launchPlan }, inputs: integerInputs({ x: 7 }) });
const idOf = (name: string) => ({ id: { ...TEST_TENANT, name } });

describe("a launch", () => {
  test("makes a run that can be read at once", async () => {
    const { id } = await launch();
    expect(id).toMatchObject({ ...TEST_TENANT, name: expect.stringMatching(/^a[a-z0-9]{19}$/) });
    const run = await open.admin.getExecution(idOf(id?.name ?? ""));
    expect(run.closure?.phase).toBe(WorkflowExecution_Phase.QUEUED);
    expect(run.closure?.workflowId?.name).toBe("chain");
    expect(run.spec?.launchPlan?.name).toBe("chain");
    expect(run.spec?.metadata).toMatchObject({ principal: "anonymous", mode: ExecutionMetadata_ExecutionMode.MANUAL });
    expect(run.spec?.maxParallelism).toBe(0);
    expect(run.closure?.createdAt).toBeDefined();
    const data = await open.admin.getExecutionData(idOf(id?.name ?? ""));
    expect(data.fullInputs?.literals.x).toBeDefined();
    expect(data.fullOutputs?.literals).toEqual({});
  });

  test("leaves one event for the scheduler", async () => {
    const { id } = await launch("one-event");
    const { rows } = await open.pool.query(
      "select event, events.shard = runs.shard as same from events join runs on runs.id = run_id where name = $1",
      [id?.name],
    );
    expect(rows).toEqual([{ event: { type: "runStarted", atMs: expect.any(Number) }, same: true }]);
  });

  test("is refused under a name that is taken", async () => {
    await launch("twice");
    const error = await rejection(launch("twice"));
    expect(error.code).toBe("already_exists");
  });

  test("may write raw outputs to a folder of the storage, and to no other place", async () => {
    const to = (outputLocationPrefix: string) =>
      open.admin.createExecution({
        ...TEST_TENANT,
        spec: { launchPlan, rawOutputDataConfig: { outputLocationPrefix } },
        inputs: integerInputs({ x: 7 }),
      });
    await to(`${open.services.storage.rootUri}/reports`);
    for (const place of ["s3://elsewhere/raw", `${open.services.storage.rootUri}/meta/other/development`]) {
      const error = await rejection(to(place));
      expect(error.code).toBe("invalid_argument");
      expect(error.message).toContain("spec.raw_output_data_config.output_location_prefix");
    }
  });

  test("of a single task makes a hidden workflow around it, once", async () => {
    const spec = { launchPlan: testId(ResourceType.TASK, "echo") };
    const ask = () => open.admin.createExecution({ ...TEST_TENANT, spec, inputs: integerInputs({ x: 1 }) });
    const [first] = await Promise.all([ask(), ask(), ask()]);
    const run = await open.admin.getExecution({ id: first?.id });
    expect(run.closure?.workflowId?.name).toBe(".flytegen.echo");
    expect(run.spec?.launchPlan?.resourceType).toBe(ResourceType.TASK);
    const names = await open.admin.listNamedEntities({
      ...TEST_TENANT,
      resourceType: ResourceType.WORKFLOW,
      limit: 10,
    });
    expect(names.entities.map((entity) => entity.id?.name)).toEqual(["chain"]);
  });

  test("keeps inputs above 1 MiB in the object store and reads them back", async () => {
    const text = "long ".repeat(400_000);
    const type = { type: { case: "simple" as const, value: SimpleType.STRING } };
    const task = commandTask("takes-text", ["true"]);
    if (task.spec?.template)
      task.spec.template.interface = create(TypedInterfaceSchema, { inputs: { variables: { text: { type } } } });
    await open.admin.createTask(task);
    const primitive = { value: { case: "stringValue" as const, value: text } };
    const scalar = { value: { case: "primitive" as const, value: primitive } };
    const { id } = await open.admin.createExecution({
      ...TEST_TENANT,
      spec: { launchPlan: testId(ResourceType.TASK, "takes-text") },
      inputs: { literals: { text: { value: { case: "scalar", value: scalar } } } },
    });
    const { rows } = await open.pool.query(
      "select data, uri from action_values join runs on runs.id = run_id where name = $1",
      [id?.name],
    );
    expect(rows).toEqual([{ data: null, uri: expect.stringMatching(/^file:.*\/inputs\.pb$/) }]);
    const data = await open.admin.getExecutionData({ id });
    expect(data.fullInputs?.literals.text?.value).toMatchObject({
      value: { value: { value: { value: { value: text } } } },
    });
  });
});

describe("a launch plan's concurrency policy", () => {
  test("lets no more runs be unfinished at once, however many ask", async () => {
    const workflow = chainOf("chain", echoTask("echo"), 3);
    const id = testId(ResourceType.LAUNCH_PLAN, "two-at-once");
    const concurrencyPolicy = { max: 2, behavior: ConcurrencyLimitBehavior.SKIP };
    const { spec } = launchPlanOf(workflow);
    if (spec) spec.concurrencyPolicy = create(ConcurrencyPolicySchema, concurrencyPolicy);
    await open.admin.createLaunchPlan({ id, ...(spec ? { spec } : {}) });
    const ask = () =>
      open.admin.createExecution({ ...TEST_TENANT, spec: { launchPlan: id }, inputs: integerInputs({ x: 1 }) });
    const answers = await Promise.allSettled(Array.from({ length: 8 }, ask));
    expect(answers.filter((answer) => answer.status === "fulfilled")).toHaveLength(2);
    for (const answer of answers) {
      if (answer.status === "rejected") expect(answer.reason).toMatchObject({ code: "already_exists" });
    }
    await open.pool.query(
      `update runs set phase = 'aborted', ended_at = now()
       from launch_plans where launch_plans.id = runs.launch_plan_id and launch_plans.name = 'two-at-once'`,
    );
    await ask();
  });
});

describe("an abort", () => {
  test("is recorded as an event while the phase stays for the scheduler to change", async () => {
    await launch("to-abort");
    await open.admin.terminateExecution({ ...idOf("to-abort"), cause: "enough\u0000" });
    const { rows } = await open.pool.query(
      "select event from events join runs on runs.id = run_id where name = 'to-abort' order by events.id",
    );
    expect(rows[1]).toEqual({
      event: { type: "runAbortRequested", cause: "enough\ufffd", principal: "anonymous", atMs: expect.any(Number) },
    });
  });

  test("of a run that is over is a failed precondition that says so in a detail", async () => {
    await launch("over");
    await open.pool.query(
      "update runs set phase = 'aborted', started_at = now(), ended_at = now() where name = 'over'",
    );
    const error = await rejection(open.admin.terminateExecution(idOf("over")));
    expect(error.code).toBe("failed_precondition");
    expect(error.protoDetails.map((detail) => detail.typeName)).toEqual(["flyteidl.admin.EventFailureReason"]);
  });
});

describe("a relaunch", () => {
  test("starts the same with what the user gave and names its reference", async () => {
    await launch("original");
    const { id } = await open.admin.relaunchExecution({ ...idOf("original"), name: "again" });
    const run = await open.admin.getExecution({ id });
    expect(run.spec?.metadata?.mode).toBe(ExecutionMetadata_ExecutionMode.RELAUNCH);
    expect(run.spec?.metadata?.referenceExecution?.name).toBe("original");
    const [before, after] = await Promise.all([
      open.admin.getExecutionData(idOf("original")),
      open.admin.getExecutionData({ id }),
    ]);
    expect(after.fullInputs).toEqual(before.fullInputs);
  });
});

describe("archiving", () => {
  test("hides a run from lists unless the state is asked for", async () => {
    await launch("archived");
    await open.admin.updateExecution({ ...idOf("archived"), state: ExecutionState.EXECUTION_ARCHIVED });
    const names = async (filters: string) => {
      const list = await open.admin.listExecutions({ id: TEST_TENANT, limit: 100, filters });
      return list.executions.map((run) => run.id?.name);
    };
    expect(await names("")).not.toContain("archived");
    expect(await names("eq(state,1)")).toEqual(["archived"]);
    const run = await open.admin.getExecution(idOf("archived"));
    expect(run.closure?.stateChangeDetails?.state).toBe(ExecutionState.EXECUTION_ARCHIVED);
  });
});
