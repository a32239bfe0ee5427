import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { fromBytes, toBytes } from "@skein/idl";
import { SignalGetOrCreateRequestSchema, SignalListRequestSchema, SignalSetRequestSchema } from "@skein/idl/admin";
import {
  type Literal,
  LiteralMapSchema,
  LiteralSchema,
  LiteralTypeSchema,
  type PrimitiveSchema,
  ResourceType,
  SimpleType,
} from "@skein/idl/core";
import {
  bindTo,
  echoTask,
  insertRow,
  integerInputs,
  integerInterface,
  launchPlanOf,
  signalOf,
  TEST_TENANT,
  taskNode,
  testId,
  workflowOf,
} from "@skein/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { signalHandlers } from "../flyte1/signal-handlers.ts";
import { ANONYMOUS_CALL, type OpenTestAdmin, openTestAdmin, rejection } from "../flyte1/test-admin.ts";

let open: OpenTestAdmin;
let launched = 0;
let run = { ...TEST_TENANT, name: "" };
let runId = "";

beforeAll(async () => {
  open = await openTestAdmin();
  const task = echoTask("echo");
  const nodes = [
    signalOf("ask", "number"),
    signalOf("again", "number"),
    taskNode("n0", task, [bindTo("x", "ask", "x")]),
  ];
  const workflow = workflowOf("asking", nodes, integerInterface(["x"], []));
  await open.admin.createTask(task);
  await open.admin.createWorkflow(workflow);
  await open.admin.createLaunchPlan(launchPlanOf(workflow));
});
afterAll(() => open.close());

beforeEach(async () => {
  launched += 1;
  run = { ...TEST_TENANT, name: `asked${launched}` };
  const spec = { launchPlan: testId(ResourceType.LAUNCH_PLAN, "asking") };
  await open.admin.createExecution({ ...run, spec, inputs: integerInputs({ x: 7 }) });
  const { rows } = await open.pool.query<{ id: string }>("select id from runs where name = $1", [run.name]);
  runId = rows[0]?.id ?? "";
  await open.pool.query("delete from events");
});

type Primitive = Exclude<MessageInitShape<typeof PrimitiveSchema>, { $typeName: string }>["value"];
const literalOf = (value: NonNullable<Primitive>): Literal =>
  create(LiteralSchema, {
    value: { case: "scalar", value: { value: { case: "primitive", value: { value } } } },
  });
const integer = (value: number) => literalOf({ case: "integer", value: BigInt(value) });
const yes = (value: boolean) => literalOf({ case: "boolean", value });

/** What the scheduler writes when a gate is reached. */
async function openGate(ordinal: number, specNodeId: string, signalId: string, isApproval = false): Promise<void> {
  await insertRow(open.pool, "actions", {
    run_id: runId,
    ...TEST_TENANT,
    ordinal,
    name: specNodeId,
    spec_node_id: specNodeId,
    kind: "gate",
    phase: "running",
    changed_seq: 2,
    started_at: new Date(),
  });
  const simple = isApproval ? SimpleType.BOOLEAN : SimpleType.INTEGER;
  const type = create(LiteralTypeSchema, { type: { case: "simple", value: simple } });
  await insertRow(open.pool, "signals", {
    run_id: runId,
    ordinal,
    signal_id: signalId,
    is_approval: isApproval,
    type: toBytes(LiteralTypeSchema, type),
  });
}

const endGate = (ordinal: number) =>
  open.pool.query("update actions set phase = 'aborted', ended_at = now() where run_id = $1 and ordinal = $2", [
    runId,
    ordinal,
  ]);
const eventsOf = async () =>
  (await open.pool.query("select event from events order by id")).rows.map((row) => row.event);
async function outputsOf(ordinal: number) {
  const { rows } = await open.pool.query<{ data: Buffer }>(
    "select data from action_values where run_id = $1 and ordinal = $2 and side = 'outputs'",
    [runId, ordinal],
  );
  return rows[0] ? fromBytes(LiteralMapSchema, rows[0].data).literals : undefined;
}

const handlers = () => signalHandlers(open.services);
const set = (signalId: string, value?: Literal) =>
  handlers().setSignal?.(
    create(SignalSetRequestSchema, { id: { signalId, executionId: run }, ...(value ? { value } : {}) }),
    ANONYMOUS_CALL,
  ) ?? Promise.reject(new Error("no handler"));
async function list(filters = "", limit = 100) {
  const request = create(SignalListRequestSchema, { workflowExecutionId: run, limit, filters });
  const answer = await handlers().listSignals?.(request, ANONYMOUS_CALL);
  return (answer?.signals ?? []).map(({ id, value }) => `${id?.signalId} ${value ? "set" : "waits"}`);
}

describe("an answer", () => {
  test("goes to its gate under the name that the graph gives it, with one event", async () => {
    await openGate(2, "ask", "number");
    await set("number", integer(9));
    expect(await outputsOf(2)).toEqual({ x: integer(9) });
    expect(await eventsOf()).toEqual([
      { type: "signalSet", atMs: expect.any(Number), ordinal: 2, approved: null, principal: "anonymous" },
    ]);
  });

  test.each([true, false])("to an approval is %s, and hands out nothing itself", async (value) => {
    await openGate(2, "ask", "go", true);
    await set("go", yes(value));
    expect(await eventsOf()).toMatchObject([{ type: "signalSet", ordinal: 2, approved: value }]);
    expect(await outputsOf(2)).toBeUndefined();
  });

  test("given twice counts once; another one after it is refused", async () => {
    await openGate(2, "ask", "number");
    await set("number", integer(9));
    await set("number", integer(9));
    expect(await rejection(set("number", integer(8)))).toMatchObject({
      code: "failed_precondition",
      reason: "signal_set",
    });
    expect(await eventsOf()).toHaveLength(1);
    expect(await outputsOf(2)).toEqual({ x: integer(9) });
  });

  test("of several at once: one wins whole", async () => {
    await openGate(2, "ask", "number");
    const answers = await Promise.allSettled([1, 2, 3, 4, 5, 6].map((value) => set("number", integer(value))));
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await eventsOf()).toHaveLength(1);
  });

  test("is invalid before a gate asks, of another type, and without a value", async () => {
    expect(await rejection(set("number", integer(1)))).toMatchObject({ code: "invalid_argument" });
    await openGate(2, "ask", "number");
    expect(await rejection(set("number", yes(true)))).toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("number"),
    });
    expect(await rejection(set("number"))).toMatchObject({ code: "invalid_argument" });
    expect(await eventsOf()).toEqual([]);
  });

  test("comes too late for a gate that ended without one", async () => {
    await openGate(2, "ask", "number");
    await endGate(2);
    expect(await rejection(set("number", integer(1)))).toMatchObject({
      code: "failed_precondition",
      reason: "signal_closed",
    });
    expect(await list()).toEqual([]);
  });

  test("of a run that does not exist is not found", async () => {
    run = { ...TEST_TENANT, name: "nobody" };
    expect(await rejection(set("number", integer(1)))).toMatchObject({ code: "not_found" });
  });
});

describe("several gates that ask for the same id", () => {
  test("are answered together while they wait, and are one signal in lists", async () => {
    await openGate(2, "ask", "number");
    await openGate(3, "again", "number");
    expect(await list()).toEqual(["number waits"]);
    await set("number", integer(9));
    expect((await eventsOf()).map(({ ordinal }) => ordinal).sort()).toEqual([2, 3]);
    expect(await list()).toEqual(["number set"]);
  });

  test("ask anew where they are reached after the answer, and take another one then", async () => {
    await openGate(2, "ask", "number");
    await set("number", integer(9));
    await openGate(3, "again", "number");
    expect(await list()).toEqual(["number waits"]);
    await set("number", integer(10));
    expect(await outputsOf(2)).toEqual({ x: integer(9) });
    expect(await outputsOf(3)).toEqual({ x: integer(10) });
  });

  test("can be answered one by one, by the name of the action", async () => {
    await openGate(2, "ask", "number");
    await openGate(3, "again", "number");
    await open.services.signals.set(ANONYMOUS_CALL, run, { signalId: "number", value: integer(1), action: "again" });
    expect(await outputsOf(3)).toEqual({ x: integer(1) });
    const gates = await open.services.signals.listGates(ANONYMOUS_CALL, run, { limit: 10, offset: 0 });
    expect(gates.map(({ action, state, setBy }) => [action, state, setBy])).toEqual([
      ["ask", "waiting", null],
      ["again", "answered", "anonymous"],
    ]);
  });
});

describe("lists of signals", () => {
  test("can be filtered and paged; 0 rows and unknown fields are refused", async () => {
    await openGate(2, "ask", "b");
    await openGate(3, "again", "a", true);
    expect((await list()).sort()).toEqual(["a waits", "b waits"]);
    expect(await list("eq(signal_id,b)")).toEqual(["b waits"]);
    expect(await list("eq(signal.signal_id,b)+gt(created_at,2100-01-01T00:00:00Z)")).toEqual([]);
    expect(await list("", 1)).toHaveLength(1);
    expect(await rejection(list("", 0))).toMatchObject({ code: "invalid_argument" });
    expect(await rejection(list("eq(value,b)"))).toMatchObject({ code: "invalid_argument" });
  });

  test("GetOrCreateSignal answers what a gate asks for, and makes none", async () => {
    const get = (signalId: string, simple?: SimpleType) => {
      const type = simple === undefined ? {} : { type: { type: { case: "simple" as const, value: simple } } };
      const request = create(SignalGetOrCreateRequestSchema, { id: { signalId, executionId: run }, ...type });
      return handlers().getOrCreateSignal?.(request, ANONYMOUS_CALL) ?? Promise.reject(new Error("no handler"));
    };
    expect(await rejection(get("number"))).toMatchObject({ code: "not_found" });
    await openGate(2, "ask", "number");
    expect(await get("number", SimpleType.INTEGER)).toMatchObject({ id: { signalId: "number", executionId: run } });
    expect(await rejection(get("number", SimpleType.STRING))).toMatchObject({ code: "invalid_argument" });
  });
});
