import { timestampMs } from "@bufbuild/protobuf/wkt";
import { NodeExecution_Phase, ResourceType, TaskExecution_Phase, WorkflowExecution_Phase } from "@skein/idl/core";
import {
  type AdminClient,
  commandTask,
  integerInterface,
  launchPlanOf,
  openAdminClient,
  register,
  TEST_TENANT,
  taskNode,
  testId,
  untilOver,
  workflowOf,
} from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { attemptsOf, type RunningSkein, startSkein } from "./src/index.ts";

const NONE = integerInterface([], []);
const nap = commandTask("limits.nap", ["sleep", "1"]);
const hang = commandTask("limits.hang", ["sleep", "60"], { retries: 5, timeoutSeconds: 1 });
const busy = commandTask("limits.busy", ["sleep", "60"]);
const naps = workflowOf(
  "limits.naps",
  ["a", "b", "c"].map((id) => taskNode(id, nap)),
  NONE,
  [],
);
const hanging = workflowOf("limits.hanging", [taskNode("n0", hang)], NONE, []);
const busyForLong = workflowOf("limits.busy_for_long", [taskNode("n0", busy)], NONE, []);

let skein: RunningSkein;
let admin: AdminClient;
beforeAll(async () => {
  skein = await startSkein({ queue: "postgres", storage: "file", apis: 1, schedulers: 1, agents: 1, agentSlots: 3 });
  await skein.untilReady();
  admin = openAdminClient(skein.url);
  await register(admin, [nap, hang, busy], [naps, hanging, busyForLong]);
});
afterAll(() => skein?.close());

type PlanInit = NonNullable<Parameters<typeof launchPlanOf>[1]>;

/** Launches a workflow by a launch plan of its own; answers the run's name. */
async function launchBy(plan: string, workflow: typeof naps, more: PlanInit): Promise<string> {
  const id = testId(ResourceType.LAUNCH_PLAN, plan);
  await admin.createLaunchPlan({ ...launchPlanOf(workflow, more), id });
  const answer = await admin.createExecution({
    ...TEST_TENANT,
    spec: { launchPlan: id, metadata: { principal: "t" } },
  });
  return answer.id?.name ?? "";
}
const annotated = (values: Record<string, string>): PlanInit => ({ annotations: { values } });

async function outcomeOf(name: string) {
  const { closure } = await untilOver(admin, name);
  const error = closure?.outputResult.case === "error" ? closure.outputResult.value : undefined;
  return { phase: closure?.phase, error };
}

const idOf = (name: string) => ({ ...TEST_TENANT, name });

/** When the one attempt of a node began and ended. */
async function spanOf(nodeExecutionId: { nodeId: string; executionId: ReturnType<typeof idOf> }) {
  const { taskExecutions } = await admin.listTaskExecutions({ nodeExecutionId, limit: 2 });
  const { startedAt, duration } = taskExecutions[0]?.closure ?? {};
  const start = startedAt ? timestampMs(startedAt) : 0;
  return [start, start + Number(duration?.seconds ?? 0n) * 1_000 + (duration?.nanos ?? 0) / 1e6] as const;
}

test("C9.82 with max_parallelism 1, no two of three independent tasks run at once", async () => {
  const name = await launchBy("limits.one_at_a_time", naps, { maxParallelism: 1 });
  expect(await outcomeOf(name)).toMatchObject({ phase: WorkflowExecution_Phase.SUCCEEDED });
  const spans = await Promise.all(["a", "b", "c"].map((nodeId) => spanOf({ nodeId, executionId: idOf(name) })));
  const inOrder = spans.toSorted(([one], [other]) => one - other);
  expect(inOrder).toHaveLength(3);
  for (const [start, end] of inOrder) expect(end - start).toBeGreaterThan(900);
  for (const [at, [start]] of inOrder.entries()) expect(start).toBeGreaterThanOrEqual(inOrder[at - 1]?.[1] ?? 0);
});

test("all attempts together may take twice the time of one; then the node is TIMED_OUT", async () => {
  const name = await launchBy("limits.total", hanging, {});
  const { phase, error } = await outcomeOf(name);
  expect([phase, error?.code]).toEqual([WorkflowExecution_Phase.FAILED, "Timeout"]);
  expect(error?.message).toContain("task active timeout [2s] expired");
  const node = await admin.getNodeExecution({ id: { nodeId: "n0", executionId: idOf(name) } });
  expect(node.closure?.phase).toBe(NodeExecution_Phase.TIMED_OUT);
  // On a slow machine their time is over before the second one begins; without a limit there would be six.
  const attempts = await attemptsOf(admin, name, "n0");
  expect(attempts.length).toBeLessThanOrEqual(2);
  expect(attempts.at(-1)?.phase).toBe(TaskExecution_Phase.FAILED);
  const filters = "value_in(phase,TIMED_OUT)";
  const listed = await admin.listNodeExecutions({ workflowExecutionId: idOf(name), limit: 9, filters });
  expect(listed.nodeExecutions.map(({ id }) => id?.nodeId)).toEqual(["n0"]);
});

test("an attempt that finds no free slot in time fails its run and says so", async () => {
  const holders = await Promise.all([1, 2, 3].map((n) => launchBy(`limits.holder${n}`, busyForLong, {})));
  for (const holder of holders) {
    await expect
      .poll(async () => (await attemptsOf(admin, holder, "n0"))[0]?.phase, { timeout: 30_000 })
      .toBe(TaskExecution_Phase.RUNNING);
  }
  const name = await launchBy("limits.impatient", naps, annotated({ "skein.dev/queue-timeout": "1s" }));
  const { phase, error } = await outcomeOf(name);
  expect([phase, error?.code]).toEqual([WorkflowExecution_Phase.FAILED, "QueueTimeout"]);
  expect(error?.message).toContain("The attempt waited 1 s and was not begun. Its pool is default.");
  for (const holder of holders) await admin.terminateExecution({ id: idOf(holder), cause: "done" });
  await Promise.all(holders.map((holder) => untilOver(admin, holder)));
});

test("an annotation that cannot be read is refused, at registration and at launch", async () => {
  const wrong = annotated({ "skein.dev/queue-timeout": "soon" });
  await expect(launchBy("limits.wrong", naps, wrong)).rejects.toThrow(
    'spec.annotations skein.dev/queue-timeout is "soon", but must be a time such as 90s',
  );
  const launchPlan = testId(ResourceType.LAUNCH_PLAN, "limits.naps");
  const spec = {
    launchPlan,
    metadata: { principal: "t" },
    annotations: { values: { "skein.dev/memory-on-oom": "2" } },
  };
  await expect(admin.createExecution({ ...TEST_TENANT, spec })).rejects.toThrow('skein.dev/memory-on-oom is "2"');
});
