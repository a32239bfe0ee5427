import { create, toBinary } from "@bufbuild/protobuf";
import type { AttemptId, AttemptReport } from "@skein/contracts";
import { LiteralMapSchema } from "@skein/idl/core";
import {
  bindInteger,
  bindTo,
  branchOf,
  chainOf,
  commandTask,
  echoTask,
  futuresOf,
  integerInterface,
  mapWorkflowOf,
  signalOf,
  sleepOf,
  taskNode,
  waitFor,
  whenInput,
  workflowOf,
} from "@skein/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { literalsOf, openWorld, type World } from "./test-world.ts";

const ECHO = echoTask("echo");
const COMMAND = commandTask("command", ["true"], { inputs: ["x"], outputs: ["x"] });

let world: World;
beforeEach(async () => {
  world = await openWorld();
  await world.startScheduler();
});
afterEach(() => world.close());

async function rowsOf<T extends object>(sql: string, values: unknown[] = []): Promise<T[]> {
  return (await world.database.pool.query<T>(sql, values)).rows;
}

const countOf = async (from: string): Promise<number> =>
  (await rowsOf<{ count: number }>(`select count(*)::int as count from ${from}`))[0]?.count ?? 0;

/** The attempt of an action that waits for its agent. */
function untilQueued(runId: string, name: string, attempt = 0): Promise<AttemptId> {
  return waitFor(async () => {
    const sql = `select t.ordinal from attempts t join actions a using (run_id, ordinal)
                 where t.run_id = $1 and a.name = $2 and t.attempt = $3 and t.phase = 'queued'`;
    const [row] = await rowsOf<{ ordinal: number }>(sql, [runId, name, attempt]);
    return row && { runId, ordinal: row.ordinal, attempt };
  });
}

const succeed = (id: AttemptId, outputs: Uint8Array, more: object = {}) =>
  world.queues.sendReports(0, [
    world.reportOf(id, {
      type: "succeeded",
      startedAtMs: Date.now(),
      endedAtMs: Date.now(),
      outputs: { data: Buffer.from(outputs).toString("base64") },
      ...more,
    }),
  ]);

const fail = (id: AttemptId) => {
  const failure = { code: "USER:E", message: "it broke", kind: "user", recoverable: false } as const;
  const outcome: AttemptReport["outcome"] = { type: "failed", startedAtMs: 1, endedAtMs: 2, failure };
  return world.queues.sendReports(0, [world.reportOf(id, outcome)]);
};

/** What an agent does when its task wrote a workflow. */
async function expand(id: AttemptId, futures: Uint8Array): Promise<void> {
  const uri = `${await world.outputPrefixOf(id)}/futures.pb`;
  await world.write(uri, futures);
  await succeed(id, new Uint8Array(), { futures: { uri, sizeBytes: futures.length } });
}

const integers = (count: number): bigint[] => Array.from({ length: count }, (_, index) => BigInt(index));
const outputsOf = async (runId: string) => toBinary(LiteralMapSchema, await world.outputsOf(runId));

test("a map of 3,000 items runs in windows, hands out a list in order, and leaves no errand", async () => {
  await world.startEcho();
  const runId = await world.launch(await world.register(mapWorkflowOf("map", ECHO), [ECHO]), integers(3_000));
  await world.untilPhase(runId, "succeeded", 60_000);
  expect(Buffer.from(await outputsOf(runId)).equals(Buffer.from(literalsOf(integers(3_000))))).toBe(true);
  expect(await countOf("actions where item_index is not null and phase = 'succeeded'")).toBe(3_000);
  const [map] = await rowsOf("select item_count, phase from actions where kind = 'array'");
  expect(map).toEqual({ item_count: 3_000, phase: "succeeded" });
  await waitFor(async () => (await countOf("errands")) === 0);
}, 90_000);

test("a map goes on where a crash left it: ended items are counted, the others run, the list is whole", async () => {
  const workflowId = await world.register(mapWorkflowOf("map", COMMAND, { parallelism: 2 }), [COMMAND]);
  const runId = await world.launch(workflowId, integers(5));
  await succeed(await untilQueued(runId, "n0.0"), literalsOf(10n));
  await untilQueued(runId, "n0.2");
  await world.restartScheduler(async () => undefined);
  for (const index of [1, 2, 3, 4])
    await succeed(await untilQueued(runId, `n0.${index}`), literalsOf(BigInt(10 + index)));
  await world.untilPhase(runId, "succeeded");
  expect(await outputsOf(runId)).toEqual(literalsOf([10n, 11n, 12n, 13n, 14n]));
});

test("an errand that a crash left is carried out by the next scheduler", async () => {
  const workflowId = await world.register(mapWorkflowOf("map", COMMAND), [COMMAND]);
  const runId = await world.launch(workflowId, integers(1));
  const item = await untilQueued(runId, "n0.0");
  await world.restartScheduler(async () => {
    // As if the commit that ended the last item were the last thing that its scheduler did.
    const value = Buffer.from(literalsOf(7n));
    await world.database.pool.query(
      "insert into action_values (run_id, ordinal, side, data, size_bytes) values ($1, $2, 'outputs', $3, $4)",
      [runId, item.ordinal, value, value.length],
    );
    await world.database.pool.query(
      "update attempts set phase = 'succeeded', started_at = now(), ended_at = now() where run_id = $1",
      [runId],
    );
    await world.database.pool.query(
      "update actions set phase = 'succeeded', started_at = now(), ended_at = now() where run_id = $1 and ordinal = $2",
      [runId, item.ordinal],
    );
    await world.database.pool.query(
      `insert into errands (run_id, ordinal, attempt, shard, kind, created_at)
       values ($1, $2, 0, 0, 'gather_outputs', now() - interval '1 minute')`,
      [runId, item.ordinal - 1],
    );
  });
  await world.untilPhase(runId, "succeeded");
  expect(await outputsOf(runId)).toEqual(literalsOf([7n]));
  await waitFor(async () => (await countOf("errands")) === 0);
});

test("errands of runs that are over, and of actions that are, are deleted", async () => {
  const runId = await world.launch(await world.register(chainOf("one", COMMAND, 1), [COMMAND]));
  const live = await untilQueued(runId, "n0");
  const over = await world.launch(await world.register(chainOf("echo", ECHO, 1), [ECHO]));
  await world.startEcho();
  await world.untilPhase(over, "succeeded");
  const insert = (id: string, ordinal: number) =>
    world.database.pool.query(
      `insert into errands (run_id, ordinal, attempt, shard, kind, created_at)
       values ($1, $2, 0, 0, 'gather_outputs', now() - interval '1 minute')`,
      [id, ordinal],
    );
  await insert(over, 2);
  await insert(runId, 0);
  await insert(crypto.randomUUID(), 2);
  await waitFor(async () => (await countOf("errands")) === 0);
  await succeed(live, literalsOf(1n));
  await world.untilPhase(runId, "succeeded");
});

test("what a task wrote instead of outputs runs inside of it, across a crash too", async () => {
  const runId = await world.launch(await world.register(chainOf("dynamic", COMMAND, 1), [COMMAND]));
  const id = await untilQueued(runId, "n0");
  const nodes = [taskNode("a", COMMAND, [bindInteger("x", 3)]), taskNode("b", COMMAND, [bindTo("x", "a", "x")])];
  await expand(id, futuresOf(nodes, [COMMAND], [bindTo("x", "b", "x")]));
  await succeed(await untilQueued(runId, "n0-0-a"), literalsOf(4n));
  await untilQueued(runId, "n0-0-b");
  const [action] = await rowsOf("select phase, is_expanded from actions where ordinal = $1", [id.ordinal]);
  expect(action).toEqual({ phase: "running", is_expanded: true });
  const [expansion] = await rowsOf<{ spec_uri: string }>("select spec_uri from expansions where run_id = $1", [runId]);
  expect(expansion?.spec_uri).toBe(`${await world.outputPrefixOf(id)}/futures.pb`);
  await world.restartScheduler(async () => undefined);
  await succeed(await untilQueued(runId, "n0-0-b"), literalsOf(5n));
  await world.untilPhase(runId, "succeeded");
  expect(await outputsOf(runId)).toEqual(literalsOf(5n));
});

test("a report that comes again with the end of what its task wrote does no harm", async () => {
  const runId = await world.launch(await world.register(chainOf("dynamic", COMMAND, 1), [COMMAND]));
  const id = await untilQueued(runId, "n0");
  const futures = futuresOf([taskNode("a", COMMAND, [bindInteger("x", 3)])], [COMMAND], [bindTo("x", "a", "x")]);
  await expand(id, futures);
  const child = await untilQueued(runId, "n0-0-a");
  const at = Date.now();
  const outputs = (bytes: Uint8Array) => ({ data: Buffer.from(bytes).toString("base64") });
  const over = { type: "succeeded", startedAtMs: at, endedAtMs: at } as const;
  const uri = `${await world.outputPrefixOf(id)}/futures.pb`;
  // While the first of them has the run loaded, the other two wait, to be applied together.
  await world.restartScheduler(() =>
    world.queues.sendReports(0, [
      world.reportOf(child, { type: "started", startedAtMs: at }),
      world.reportOf(id, { ...over, outputs: outputs(new Uint8Array()), futures: { uri, sizeBytes: futures.length } }),
      world.reportOf(child, { ...over, outputs: outputs(literalsOf(4n)) }),
    ]),
  );
  await world.untilPhase(runId, "succeeded");
  expect(await outputsOf(runId)).toEqual(literalsOf(4n));
});

test("what a task wrote is taken once where its report comes twice at a time", async () => {
  const runId = await world.launch(await world.register(chainOf("dynamic", COMMAND, 1), [COMMAND]));
  const id = await untilQueued(runId, "n0");
  const futures = futuresOf([taskNode("a", COMMAND, [bindInteger("x", 3)])], [COMMAND], [bindTo("x", "a", "x")]);
  const uri = `${await world.outputPrefixOf(id)}/futures.pb`;
  await world.write(uri, futures);
  const over = { type: "succeeded", startedAtMs: Date.now(), endedAtMs: Date.now(), outputs: { data: "" } } as const;
  const report = world.reportOf(id, { ...over, futures: { uri, sizeBytes: futures.length } });
  await world.restartScheduler(() =>
    world.queues.sendReports(0, [world.reportOf(id, { type: "started", startedAtMs: Date.now() }), report, report]),
  );
  await succeed(await untilQueued(runId, "n0-0-a"), literalsOf(4n));
  await world.untilPhase(runId, "succeeded");
  expect(await outputsOf(runId)).toEqual(literalsOf(4n));
});

test("a workflow that does not compile fails the task in the compiler's words, and is not tried again", async () => {
  const retried = commandTask("retried", ["true"], { inputs: ["x"], outputs: ["x"], retries: 3 });
  const runId = await world.launch(await world.register(chainOf("dynamic", retried, 1), [retried]));
  const id = await untilQueued(runId, "n0");
  await expand(id, futuresOf([taskNode("a", COMMAND, [])], [COMMAND], [bindTo("x", "a", "x")]));
  await world.untilPhase(runId, "failed");
  const attempts = await rowsOf<{ error_code: string; error_message: string }>(
    "select error_code, error_kind, error_message from attempts where run_id = $1",
    [runId],
  );
  expect(attempts).toMatchObject([{ error_code: "DynamicWorkflowCompileFailed", error_kind: "user" }]);
  expect(attempts[0]?.error_message).toContain("Node Id: a");
});

test("a workflow that cannot be read is a failure of the platform, and the task is tried again", async () => {
  const runId = await world.launch(await world.register(chainOf("dynamic", COMMAND, 1), [COMMAND]));
  await expand(await untilQueued(runId, "n0"), new Uint8Array([255, 255, 255]));
  const second = await untilQueued(runId, "n0", 1);
  await succeed(second, new Uint8Array(), { futures: { uri: "file:///etc/passwd", sizeBytes: 3 } });
  await untilQueued(runId, "n0", 2);
  const attempts = await rowsOf("select error_code, error_kind from attempts where run_id = $1 and phase = 'failed'", [
    runId,
  ]);
  const failure = { error_code: "OutputsNotFound", error_kind: "system" };
  expect(attempts).toEqual([failure, failure]);
});

test("a dynamic workflow may not name tasks of other tenants", async () => {
  const runId = await world.launch(await world.register(chainOf("dynamic", COMMAND, 1), [COMMAND]));
  const foreign = taskNode("a", COMMAND, [bindInteger("x", 1)]);
  if (foreign.target.case === "taskNode" && foreign.target.value.reference.value)
    foreign.target.value.reference.value.project = "theirs";
  await expand(await untilQueued(runId, "n0"), futuresOf([foreign], []));
  await world.untilPhase(runId, "failed");
  const [run] = await rowsOf<{ error_message: string }>("select error_message from runs where id = $1", [runId]);
  expect(run?.error_message).toContain("theirs");
});

test("a branch hands out what its chosen node does, and the other one is skipped", async () => {
  await world.startEcho();
  const node = (id: string) => taskNode(id, ECHO, [bindTo("x", "", "x")]);
  const branch = branchOf("b", whenInput("x", "GT", 10), node("big"), node("small"), {
    inputs: [bindTo("x", "", "x")],
  });
  const workflow = workflowOf("branch", [branch], integerInterface(["x"], ["x"]), [bindTo("x", "b", "x")]);
  const runId = await world.launch(await world.register(workflow, [ECHO]), 42n);
  await world.untilPhase(runId, "succeeded");
  expect(await outputsOf(runId)).toEqual(literalsOf(42n));
  expect(await world.phasesOf(runId)).toMatchObject({
    b: "succeeded",
    "b-0-b-big": "succeeded",
    "b-0-b-small": "skipped",
  });
});

test("a gate asks for a value and hands out the answer; a sleeping one wakes", async () => {
  const signal = signalOf("ask", "how-many", { upstream: ["nap"] });
  const workflow = workflowOf("gates", [sleepOf("nap", 1), signal], integerInterface([], ["x"]), [
    bindTo("x", "ask", "x"),
  ]);
  const runId = await world.launch(await world.register(workflow, []));
  const open = await waitFor(async () => (await rowsOf<{ ordinal: number }>("select * from signals"))[0]);
  expect(open).toMatchObject({ run_id: runId, signal_id: "how-many", is_approval: false, value: null });
  await world.restartScheduler(async () => undefined);
  await world.database.pool.query(
    `with v as (insert into action_values (run_id, ordinal, side, data, size_bytes) values ($1, $2, 'outputs', $3, 1))
     insert into events (run_id, shard, event) values ($1, 0, $4)`,
    [
      runId,
      open.ordinal,
      Buffer.from(literalsOf(5n)),
      { type: "signalSet", ordinal: open.ordinal, atMs: Date.now(), approved: null, principal: "me" },
    ],
  );
  await world.database.pool.query("select pg_notify('skein_events', '')");
  await world.untilPhase(runId, "succeeded");
  expect(await outputsOf(runId)).toEqual(literalsOf(5n));
});

test("a recovered run takes over what succeeded, and does the rest anew", async () => {
  const workflowId = await world.register(chainOf("chain", COMMAND, 3), [COMMAND]);
  const first = await world.launch(workflowId, 1n);
  await succeed(await untilQueued(first, "n0"), literalsOf(2n));
  await fail(await untilQueued(first, "n1"));
  await world.untilPhase(first, "failed");
  const second = await world.launch(workflowId, 1n, { mode: "recovered", referenceRunId: first });
  const n1 = await untilQueued(second, "n1");
  const inputs = await rowsOf("select data from action_values where run_id = $1 and ordinal = $2 and side = 'inputs'", [
    second,
    n1.ordinal,
  ]);
  expect(inputs).toEqual([{ data: Buffer.from(literalsOf(2n)) }]);
  const [recovered] = await rowsOf(
    "select phase, is_recovered, attempts from actions where run_id = $1 and name = 'n0'",
    [second],
  );
  expect(recovered).toEqual({ phase: "succeeded", is_recovered: true, attempts: 0 });
  await world.restartScheduler(async () => undefined);
  await succeed(n1, literalsOf(3n));
  await succeed(await untilQueued(second, "n2"), literalsOf(4n));
  await world.untilPhase(second, "succeeded");
  expect(await outputsOf(second)).toEqual(literalsOf(4n));
});

test("a recovered run reuses the workflow that a task wrote, and what of it succeeded", async () => {
  const workflowId = await world.register(chainOf("dynamic", COMMAND, 1), [COMMAND]);
  const nodes = [taskNode("a", COMMAND, [bindInteger("x", 3)]), taskNode("b", COMMAND, [bindTo("x", "a", "x")])];
  const first = await world.launch(workflowId);
  await expand(await untilQueued(first, "n0"), futuresOf(nodes, [COMMAND], [bindTo("x", "b", "x")]));
  await succeed(await untilQueued(first, "n0-0-a"), literalsOf(4n));
  await fail(await untilQueued(first, "n0-0-b"));
  await world.untilPhase(first, "failed");
  const second = await world.launch(workflowId, 42n, { mode: "recovered", referenceRunId: first });
  const b = await untilQueued(second, "n0-0-b");
  await world.restartScheduler(async () => undefined);
  await succeed(b, literalsOf(5n));
  await world.untilPhase(second, "succeeded");
  expect(await outputsOf(second)).toEqual(literalsOf(5n));
  expect(await countOf(`expansions where run_id = '${second}'`)).toBe(1);
});

test("a rerun from a chosen action does it and all that follows anew, although it had succeeded", async () => {
  await world.startEcho();
  const workflowId = await world.register(chainOf("chain", ECHO, 3), [ECHO]);
  const first = await world.launch(workflowId);
  await world.untilPhase(first, "succeeded");
  const second = await world.launch(workflowId, 42n, { mode: "recovered", referenceRunId: first, rerunFrom: ["n1"] });
  await world.untilPhase(second, "succeeded");
  const rows = await rowsOf(
    "select name, is_recovered from actions where run_id = $1 and kind = 'task' order by name",
    [second],
  );
  expect(rows).toEqual([
    { name: "n0", is_recovered: true },
    { name: "n1", is_recovered: false },
    { name: "n2", is_recovered: false },
  ]);
});

test("objects that tasks make and use are linked to them", async () => {
  const runId = await world.launch(await world.register(chainOf("one", COMMAND, 1), [COMMAND]));
  const uri = "s3://bucket/some/object";
  const outputs = toBinary(
    LiteralMapSchema,
    create(LiteralMapSchema, { literals: { x: { value: { case: "offloadedMetadata", value: { uri } } } } }),
  );
  await succeed(await untilQueued(runId, "n0"), outputs);
  await world.untilPhase(runId, "succeeded");
  expect(await rowsOf("select side, uri, variable from artifact_links")).toEqual([
    { side: "outputs", uri, variable: "x" },
  ]);
});
