import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createSkeinClient } from "@skein/client";
import { NodeExecution_Phase, ResourceType, TaskExecution_Phase, WorkflowExecution_Phase } from "@skein/idl/core";
import { SignalService } from "@skein/idl/service";
import {
  type AdminClient,
  bindTo,
  branchOf,
  echoTask,
  integerInputs,
  integerInterface,
  launch,
  launchPlanNode,
  mapWorkflowOf,
  openAdminClient,
  outputsOf,
  register,
  signalOf,
  TEST_TENANT,
  taskNode,
  testId,
  untilOver,
  waitFor,
  whenInput,
  workflowOf,
} from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningSkein, startSkein } from "./src/index.ts";

let skein: RunningSkein;
let admin: AdminClient;
beforeAll(async () => {
  skein = await startSkein({ queue: "postgres", storage: "file", apis: 1, schedulers: 1, agents: 1 });
  await skein.untilReady();
  admin = openAdminClient(skein.url);
  const echo = echoTask("views.echo");
  const x = [bindTo("x", "", "x")];
  const child = workflowOf("views.child", [taskNode("n0", echo, x)], integerInterface(["x"], ["x"]), [
    bindTo("x", "n0", "x"),
  ]);
  const asking = workflowOf(
    "views.asking",
    [signalOf("first", "number"), signalOf("second", "number", { upstream: ["first"] })],
    integerInterface(["x"], ["x"]),
    [bindTo("x", "second", "x")],
  );
  const kinds = workflowOf(
    "views.kinds",
    [
      launchPlanNode("plan", "views.child", { inputs: x }),
      branchOf("branch", whenInput("x", "GT", 5), taskNode("high", echo, x), taskNode("low", echo, x), { inputs: x }),
    ],
    integerInterface(["x"], ["x"]),
    [bindTo("x", "plan", "x")],
  );
  await register(admin, [echo], [child, mapWorkflowOf("views.map", echo), asking, kinds]);
});
afterAll(() => skein?.close());

const idOf = (name: string) => ({ ...TEST_TENANT, name });
const nodeOf = (name: string, nodeId: string) => admin.getNodeExecution({ id: { executionId: idOf(name), nodeId } });

test("gates of one id are answered one after the other, over gRPC and REST", async () => {
  const signals = createClient(SignalService, createGrpcTransport({ baseUrl: skein.url }));
  const name = await launch(admin, "views.asking", { x: 1 });
  const rest = `${skein.url}/api/v1/signals`;
  const waiting = async () => {
    const answer = await fetch(`${rest}/flytesnacks/development/${name}?limit=10`);
    const { signals: listed } = (await answer.json()) as { signals: { id: { signal_id: string }; value?: unknown }[] };
    return listed.filter(({ value }) => !value).map(({ id }) => id.signal_id);
  };
  const untilAsked = () => waitFor(async () => (await waiting()).includes("number"), { what: "a gate to ask" });
  await untilAsked();
  const value = integerInputs({ x: 9 }).literals.x;
  await signals.setSignal({ id: { signalId: "number", executionId: idOf(name) }, ...(value ? { value } : {}) });
  await waitFor(async () => (await nodeOf(name, "first")).closure?.phase === NodeExecution_Phase.SUCCEEDED, {
    what: "the first gate to pass",
  });
  await untilAsked();
  const body = {
    id: { signal_id: "number", execution_id: idOf(name) },
    value: { scalar: { primitive: { integer: "10" } } },
  };
  const headers = { "content-type": "application/json" };
  const set = await fetch(rest, { method: "POST", headers, body: JSON.stringify(body) });
  expect(set.status).toBe(200);
  expect((await untilOver(admin, name)).closure?.phase).toBe(WorkflowExecution_Phase.SUCCEEDED);
  expect(await outputsOf(admin, name)).toMatchObject(integerInputs({ x: 10 }));
});

test("a map is one task execution that tells of its items, whose inputs and outputs are their own", async () => {
  const values = Array.from({ length: 12 }, (_, index) => index);
  const name = await launch(admin, "views.map", { x: values });
  expect((await untilOver(admin, name)).closure?.phase).toBe(WorkflowExecution_Phase.SUCCEEDED);
  expect(await outputsOf(admin, name)).toMatchObject(integerInputs({ x: values }));
  const nodeExecutionId = { executionId: idOf(name), nodeId: "n0" };
  const { taskExecutions } = await admin.listTaskExecutions({ nodeExecutionId, limit: 10 });
  expect(taskExecutions.map(({ id }) => id?.taskId)).toMatchObject([testId(ResourceType.TASK, "views.echo")]);
  const { closure } = await admin.getTaskExecution({ id: taskExecutions[0]?.id ?? {} });
  expect(closure).toMatchObject({ phase: TaskExecution_Phase.SUCCEEDED, reason: "12 items: 12 succeeded" });
  expect(closure?.metadata?.externalResources.map(({ index }) => index)).toEqual(values);
  const item = await admin.getNodeExecutionData({ id: { executionId: idOf(name), nodeId: "n0.7" } });
  expect([item.fullInputs, item.fullOutputs]).toMatchObject([integerInputs({ x: 7 }), integerInputs({ x: 7 })]);
  const items = await createSkeinClient({ url: skein.url }).runs.mapItems.query({ ...idOf(name), action: "n0" });
  expect(items).toMatchObject({ itemCount: 12, counts: { succeeded: 12 } });
});

test("a launch plan's node names its run, a branch has what was chosen and what was not below it", async () => {
  const name = await launch(admin, "views.kinds", { x: 7 });
  expect((await untilOver(admin, name)).closure?.phase).toBe(WorkflowExecution_Phase.SUCCEEDED);
  const target = (await nodeOf(name, "plan")).closure?.targetMetadata;
  const child = target?.case === "workflowNodeMetadata" ? (target.value.executionId?.name ?? "") : "";
  expect((await admin.getExecution({ id: idOf(child) })).spec?.metadata?.parentNodeExecution).toMatchObject({
    nodeId: "plan",
    executionId: idOf(name),
  });
  const below = await admin.listNodeExecutions({
    workflowExecutionId: idOf(name),
    limit: 10,
    uniqueParentId: "branch",
  });
  expect(below.nodeExecutions.map(({ closure }) => closure?.phase).sort()).toEqual([
    NodeExecution_Phase.SUCCEEDED,
    NodeExecution_Phase.SKIPPED,
  ]);
  const { span } = await admin.getExecutionMetrics({ id: idOf(name), depth: -1 });
  const plan = span?.spans.find(({ id }) => id.case === "nodeId" && id.value.nodeId === "plan");
  expect(plan?.spans.some(({ id }) => id.case === "workflowId" && id.value.name === child)).toBe(true);
});
