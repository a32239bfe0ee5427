import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import {
  ExecutionSchema,
  NodeExecutionListSchema,
  type TaskExecution,
  TaskExecutionListSchema,
} from "@skein/idl/admin";
import { TaskExecution_Phase, WorkflowExecution_Phase } from "@skein/idl/core";
import {
  type AdminClient,
  bindInteger,
  bindTo,
  branchOf,
  commandTask,
  echoTask,
  findTool,
  futuresOf,
  integerInterface,
  launch,
  listInterface,
  mapOf,
  mapWorkflowOf,
  openAdminClient,
  outputsOf,
  register,
  subWorkflowNode,
  TEST_TENANT,
  taskNode,
  untilOver,
  waitFor,
  whenInput,
  withSubWorkflow,
  workflowOf,
} from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { outputsWhenOver, plainValues, type RunningSkein, startSkein } from "./src/index.ts";

const isFull = process.env.SKEIN_TEST_FULL === "true";
const ITEMS = isFull ? 100_000 : 20_000;
/** As many items of a map as one answer names. */
const SHOWN = 5_000;
const MIB = 1024 * 1024;
const ANSWER_BYTES_MAX = 10 * MIB;
const TIMEOUT_MS = isFull ? 300_000 : 120_000;
const ECHO = echoTask("big.echo");

let skein: RunningSkein;
let admin: AdminClient;
beforeAll(async () => {
  const queue = findTool("redis-server") === undefined ? "postgres" : "redis";
  skein = await startSkein({
    queue,
    storage: "file",
    apis: 1,
    schedulers: 1,
    agents: 1,
    // A command copies from a file of the test, which a sandbox would keep it from.
    env: { SKEIN_ISOLATION: "none" },
  });
  admin = openAdminClient(skein.url);
  await admin.createTask(ECHO);
});
afterAll(() => skein?.close());

/** An answer that is small enough for every client, and that did not take long. */
async function small<Desc extends DescMessage>(
  schema: Desc,
  call: () => Promise<MessageShape<Desc>>,
): Promise<MessageShape<Desc>> {
  const answer = await call();
  expect(toBinary(schema, answer).length).toBeLessThan(ANSWER_BYTES_MAX);
  return answer;
}

const execution = (name: string) => small(ExecutionSchema, () => admin.getExecution({ id: { ...TEST_TENANT, name } }));

/** A page of the nodes of a run, or of what runs under one of them. */
const nodes = (name: string, uniqueParentId = "", limit = 1_000, token = "") =>
  small(NodeExecutionListSchema, () =>
    admin.listNodeExecutions({ workflowExecutionId: { ...TEST_TENANT, name }, uniqueParentId, limit, token }),
  );

/** The one task execution of the map `n0`. */
async function mapOfRun(name: string): Promise<TaskExecution> {
  const nodeExecutionId = { nodeId: "n0", executionId: { ...TEST_TENANT, name } };
  const { taskExecutions } = await small(TaskExecutionListSchema, () =>
    admin.listTaskExecutions({ nodeExecutionId, limit: 10 }),
  );
  const [map] = taskExecutions;
  if (!map || taskExecutions.length > 1) throw new Error(`${taskExecutions.length} task executions of a map`);
  return map;
}

const itemPhases = ({ closure }: TaskExecution): (keyof typeof TaskExecution_Phase)[] =>
  (closure?.metadata?.externalResources ?? []).map(
    ({ phase }) => TaskExecution_Phase[phase] as keyof typeof TaskExecution_Phase,
  );

/** The most memory that the scheduler has held so far. */
function schedulerPeakMib(): number {
  const status = readFileSync(`/proc/${skein.schedulers[0]?.pid()}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) / 1024;
}

test(`a map over ${ITEMS} items ends, and can be looked at meanwhile`, { timeout: TIMEOUT_MS }, async () => {
  await register(admin, [], [mapWorkflowOf("big.map", ECHO)]);
  const x = Array.from({ length: ITEMS }, (_, index) => index - 7);
  const name = await launch(admin, "big.map", { x });
  const meanwhile = await waitFor(
    async () => {
      const map = await mapOfRun(name);
      return itemPhases(map).length === SHOWN ? map : undefined;
    },
    { timeoutMs: TIMEOUT_MS / 2, what: "more items than one answer names" },
  );
  expect(meanwhile.closure?.reason).toMatch(new RegExp(`^${ITEMS} items: `));
  expect((await execution(name)).closure?.phase).toBe(WorkflowExecution_Phase.RUNNING);

  const { closure } = await untilOver(admin, name, TIMEOUT_MS);
  expect(closure?.phase).toBe(WorkflowExecution_Phase.SUCCEEDED);
  const outputs = plainValues(await outputsOf(admin, name));
  expect(outputs).toEqual({ x: x.map(BigInt) });
  const ids = (await nodes(name)).nodeExecutions.map(({ id }) => id?.nodeId ?? "");
  expect(ids.sort()).toEqual(["end-node", "n0", "start-node"]);
  const map = await mapOfRun(name);
  expect(map.closure?.reason).toMatch(new RegExp(`^${ITEMS} items: ${ITEMS} succeeded; ${SHOWN} of them are shown`));
  expect(itemPhases(map)).toHaveLength(SHOWN);
  expect(schedulerPeakMib()).toBeLessThan(1_024);
});

test("of a map with very many items those that failed are told first", { timeout: TIMEOUT_MS }, async () => {
  const items = SHOWN + 200;
  const x = [bindTo("x", "", "x")];
  const io = integerInterface(["x"], []);
  const branch = branchOf("b0", whenInput("x", "LT", items - 3), taskNode("echo", ECHO, x), "too large", { inputs: x });
  const item = workflowOf("big.item", [branch], io);
  const map = mapOf("n0", subWorkflowNode("item", item), { inputs: x, minSuccessRatio: 0.9 });
  await register(admin, [], [withSubWorkflow(workflowOf("big.choosy", [map], listInterface(["x"], [])), item)]);
  const name = await launch(admin, "big.choosy", { x: Array.from({ length: items }, (_, index) => index) });
  expect((await untilOver(admin, name, TIMEOUT_MS)).closure?.phase).toBe(WorkflowExecution_Phase.SUCCEEDED);
  const seen = await mapOfRun(name);
  expect(seen.closure?.reason).toMatch(
    new RegExp(`^${items} items: ${items - 3} succeeded, 3 failed; ${SHOWN} of them`),
  );
  const phases = itemPhases(seen);
  expect(phases).toHaveLength(SHOWN);
  expect(phases.filter((phase) => phase === "FAILED")).toHaveLength(3);
});

test("a task writes a workflow of 5,000 nodes, which are listed page by page", { timeout: TIMEOUT_MS }, async () => {
  const [chains, steps] = [100, 50];
  const written = Array.from({ length: chains * steps }, (_, index) => {
    const step = Math.floor(index / chains);
    const input = step === 0 ? bindInteger("x", index) : bindTo("x", `w${index - chains}`, "x");
    return taskNode(`w${index}`, ECHO, [input]);
  });
  const file = join(skein.folder, "futures.pb");
  writeFileSync(file, futuresOf(written, [ECHO], [bindTo("x", `w${chains * steps - 1}`, "x")]));
  const task = commandTask("big.writes", ["cp", file, "{{.outputPrefix}}/futures.pb"], { outputs: ["x"] });
  const workflow = workflowOf("big.dynamic", [taskNode("n0", task)], integerInterface([], ["x"]), [
    bindTo("x", "n0", "x"),
  ]);
  await register(admin, [task], [workflow]);
  const name = await launch(admin, "big.dynamic");
  expect(await outputsWhenOver(admin, name)).toEqual({ x: BigInt(chains - 1) });
  const seen = new Set<string>();
  for (let token = ""; ; ) {
    const page = await nodes(name, "n0", 1_000, token);
    for (const { id } of page.nodeExecutions) seen.add(id?.nodeId ?? "");
    token = page.token;
    if (token === "") break;
  }
  expect(seen.size).toBe(chains * steps + 2);
  expect(schedulerPeakMib()).toBeLessThan(1_024);
});
