import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  ExecutionMetadataSchema,
  ExecutionSpecSchema,
  ExecutionMetadata_ExecutionMode as Mode,
} from "@skein/idl/admin";
import { ResourceType, SimpleType, TypedInterfaceSchema } from "@skein/idl/core";
import {
  chainOf,
  commandTask,
  echoTask,
  insertRow,
  integerInputs,
  launchPlanOf,
  TEST_TENANT,
  testId,
} from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ANONYMOUS_CALL, type OpenTestAdmin, openTestAdmin, rejection } from "./test-admin.ts";

let open: OpenTestAdmin;
beforeAll(async () => {
  open = await openTestAdmin();
  const task = echoTask("echo");
  const workflow = chainOf("chain", task, 2);
  await open.admin.createTask(task);
  await open.admin.createWorkflow(workflow);
  await open.admin.createLaunchPlan(launchPlanOf(workflow));
});
afterAll(() => open.close());

const launchPlan = testId(ResourceType.LAUNCH_PLAN, "chain");
const idOf = (name: string) => ({ id: { ...TEST_TENANT, name } });

async function launch(
  name: string,
  spec: { overwriteCache?: boolean; tags?: string[]; labels?: { values: Record<string, string> } } = {},
): Promise<void> {
  await open.admin.createExecution({
    ...TEST_TENANT,
    name,
    spec: { launchPlan, ...spec },
    inputs: integerInputs({ x: 7 }),
  });
}

/** A run that is over, with an action for each name. */
async function launchEnded(name: string, phase: "failed" | "succeeded", ...actions: string[]): Promise<void> {
  await launch(name);
  const { rows } = await open.pool.query<{ id: string }>(
    `update runs set phase = $2::run_phase, ended_at = now(), error_code = case when $2 = 'failed' then 'E' end
     where name = $1 returning id`,
    [name, phase],
  );
  for (const [ordinal, action] of ["start-node", "end-node", ...actions].entries()) {
    await insertRow(open.pool, "actions", {
      run_id: rows[0]?.id ?? "",
      ordinal,
      ...TEST_TENANT,
      name: action,
      spec_node_id: action,
      kind: ordinal === 0 ? "start" : ordinal === 1 ? "end" : "task",
      phase: "succeeded",
      ended_at: new Date(),
      changed_seq: 1,
    });
  }
}

async function rowOf(name: string) {
  const { rows } = await open.pool.query(
    `select r.mode, f.name as reference, r.rerun_from as "rerunFrom", r.overwrite_cache as "overwriteCache"
     from runs r left join runs f on f.id = r.reference_run_id where r.name = $1`,
    [name],
  );
  return rows[0];
}

describe("a recovered run", () => {
  test("has the spec and inputs of the run that it recovers, and names it", async () => {
    await launchEnded("broke", "failed");
    const { id } = await open.admin.recoverExecution({ ...idOf("broke"), name: "mended" });
    expect(id).toMatchObject({ ...TEST_TENANT, name: "mended" });
    const run = await open.admin.getExecution({ id });
    expect(run.spec?.metadata).toMatchObject({ mode: Mode.RECOVERED, referenceExecution: { name: "broke" } });
    expect(run.spec?.launchPlan?.name).toBe("chain");
    const [before, after] = [
      await open.admin.getExecutionData(idOf("broke")),
      await open.admin.getExecutionData({ id }),
    ];
    expect(after.fullInputs).toEqual(before.fullInputs);
    expect(await rowOf("mended")).toEqual({
      mode: "recovered",
      reference: "broke",
      rerunFrom: null,
      overwriteCache: false,
    });
    const listed = await open.admin.listExecutions({ id: TEST_TENANT, limit: 10, filters: "eq(mode,RECOVERED)" });
    expect(listed.executions.map((found) => found.spec?.metadata?.referenceExecution?.name)).toEqual(["broke"]);
  });

  test("may repeat one that succeeded, as with Flyte, and gets a name when none is given", async () => {
    await launchEnded("fine", "succeeded");
    const { id } = await open.admin.recoverExecution(idOf("fine"));
    expect(id?.name).toMatch(/^a[a-z0-9]{19}$/);
  });

  test("is refused while the run goes on, and of an unknown run", async () => {
    await launch("busy");
    const error = await rejection(open.admin.recoverExecution(idOf("busy")));
    expect([error.code, error.reason]).toEqual(["failed_precondition", "run_not_over"]);
    expect((await rejection(open.admin.recoverExecution(idOf("nobody")))).code).toBe("not_found");
  });
});

describe("a rerun", () => {
  const rerun = (name: string, reference: string, ...from: string[]) =>
    open.services.runs.rerun(ANONYMOUS_CALL, {
      reference: { ...TEST_TENANT, name: reference },
      name,
      from,
      overwriteCache: true,
    });

  test("is a recovered run that keeps from where on all is done anew", async () => {
    await launchEnded("halfway", "failed", "n0", "n1");
    await rerun("anew", "halfway", "n1", "n1");
    expect(await rowOf("anew")).toEqual({
      mode: "recovered",
      reference: "halfway",
      rerunFrom: ["n1"],
      overwriteCache: true,
    });
  });

  test("names what is wrong: no such action, one that does nothing, nothing chosen, a run that goes on", async () => {
    await launchEnded("checked", "succeeded", "n0");
    expect((await rejection(rerun("", "checked", "n0", "n9"))).message).toContain("has no action n9");
    expect((await rejection(rerun("", "checked", "start-node"))).message).toContain("start-node");
    expect((await rejection(rerun("", "checked"))).code).toBe("invalid_argument");
    await launch("going-on");
    expect((await rejection(rerun("", "going-on", "n0"))).reason).toBe("run_not_over");
  });
});

describe("a relaunch", () => {
  test("says itself whether to overwrite the cache", async () => {
    await launch("overwrote", { overwriteCache: true });
    expect((await rowOf("overwrote"))?.overwriteCache).toBe(true);
    await open.admin.relaunchExecution({ ...idOf("overwrote"), name: "reads" });
    await open.admin.relaunchExecution({ ...idOf("overwrote"), name: "writes", overwriteCache: true });
    expect([(await rowOf("reads"))?.overwriteCache, (await rowOf("writes"))?.overwriteCache]).toEqual([false, true]);
  });

  test("keeps what the user gave, however large", async () => {
    const type = { type: { case: "simple" as const, value: SimpleType.STRING } };
    const task = commandTask("takes-text", ["true"]);
    if (task.spec?.template)
      task.spec.template.interface = create(TypedInterfaceSchema, { inputs: { variables: { text: { type } } } });
    await open.admin.createTask(task);
    const text = "long ".repeat(1_000_000);
    const scalar = {
      value: { case: "primitive" as const, value: { value: { case: "stringValue" as const, value: text } } },
    };
    const { id } = await open.admin.createExecution({
      ...TEST_TENANT,
      spec: { launchPlan: testId(ResourceType.TASK, "takes-text") },
      inputs: { literals: { text: { value: { case: "scalar", value: scalar } } } },
    });
    const again = await open.admin.relaunchExecution({ ...(id ? { id } : {}), name: "long-again" });
    const data = await open.admin.getExecutionData({ ...(again.id ? { id: again.id } : {}) });
    const literal = data.fullInputs?.literals.text?.value;
    expect(literal).toMatchObject({ value: { value: { value: { value: { value: text } } } } });
  });

  test("of a child run is nobody's child", async () => {
    await launch("father");
    await launch("child");
    const { rows: before } = await open.pool.query<{ spec: Buffer }>("select spec from runs where name = 'child'");
    const spec = fromBinary(ExecutionSpecSchema, before[0]?.spec ?? Buffer.alloc(0));
    const executionId = { ...TEST_TENANT, name: "father" };
    spec.metadata = create(ExecutionMetadataSchema, { nesting: 1, parentNodeExecution: { nodeId: "n0", executionId } });
    await open.pool.query(
      `update runs set spec = $1, parent_run_id = (select id from runs where name = 'father'), parent_ordinal = 2, parent_attempt = 0
       where name = 'child'`,
      [Buffer.from(toBinary(ExecutionSpecSchema, spec))],
    );
    const child = await open.admin.getExecution(idOf("child"));
    expect(child.spec?.metadata).toMatchObject({ nesting: 1, parentNodeExecution: { nodeId: "n0", executionId } });
    await open.admin.relaunchExecution({ ...idOf("child"), name: "orphan" });
    const { rows } = await open.pool.query("select parent_run_id from runs where name = 'orphan'");
    expect(rows).toEqual([{ parent_run_id: null }]);
    const orphan = await open.admin.getExecution(idOf("orphan"));
    expect([orphan.spec?.metadata?.nesting, orphan.spec?.metadata?.parentNodeExecution]).toEqual([0, undefined]);
  });
});

test("what a client says about a run's parent or nesting is not believed", async () => {
  const executionId = { ...TEST_TENANT, name: "somebody-elses" };
  const metadata = { nesting: 3, parentNodeExecution: { nodeId: "n0", executionId }, referenceExecution: executionId };
  await open.admin.createExecution({
    ...TEST_TENANT,
    name: "claims",
    spec: { launchPlan, metadata: { ...metadata, mode: Mode.CHILD_WORKFLOW } },
    inputs: integerInputs({ x: 7 }),
  });
  const { spec } = await open.admin.getExecution(idOf("claims"));
  expect(spec?.metadata).toMatchObject({ mode: Mode.MANUAL, nesting: 0 });
  expect([spec?.metadata?.parentNodeExecution, spec?.metadata?.referenceExecution]).toEqual([undefined, undefined]);
});

describe("tags", () => {
  const named = async (filters: string) => {
    const list = await open.admin.listExecutions({
      id: TEST_TENANT,
      limit: 100,
      filters: `contains(name,tagged-)+${filters}`,
    });
    return list.executions.map((run) => run.id?.name).sort();
  };

  test("find their runs, each once however many match", async () => {
    await launch("tagged-both", { tags: ["red", "round", "red"] });
    await launch("tagged-red", { tags: ["red"] });
    await launch("tagged-not");
    expect((await open.admin.getExecution(idOf("tagged-both"))).spec?.tags).toEqual(["red", "round", "red"]);
    expect(await named("eq(execution_tag.key,red)")).toEqual(["tagged-both", "tagged-red"]);
    expect(await named("value_in(execution_tag.key,red;round)")).toEqual(["tagged-both", "tagged-red"]);
    expect(await named("eq(admin_tag.name,round)")).toEqual(["tagged-both"]);
    expect(await named("contains(execution_tag.key,oun)")).toEqual(["tagged-both"]);
    expect(await named("ne(execution_tag.key,round)")).toEqual(["tagged-not", "tagged-red"]);
    expect(await named("value_not_in(execution_tag.key,round;red)")).toEqual(["tagged-not"]);
    expect(await named("not_like(execution_tag.key,re%)")).toEqual(["tagged-not"]);
  });

  test("have values when they are labels, and key and value are of the same label", async () => {
    await launch("tagged-one", { labels: { values: { inner: "one", outer: "two" } } });
    await launch("tagged-two", { labels: { values: { inner: "two", outer: "two" } } });
    expect(await named("value_in(execution_tag.key,inner)")).toEqual(["tagged-one", "tagged-two"]);
    expect(await named("value_in(execution_tag.key,inner)+value_in(execution_tag.value,two)")).toEqual(["tagged-two"]);
    expect(await named("eq(execution_tag.key,inner)+eq(execution_tag.key,outer)")).toEqual([
      "tagged-one",
      "tagged-two",
    ]);
    expect(await named("eq(execution_tag.key,outer)+eq(execution_tag.value,two)+ne(execution_tag.value,one)")).toEqual([
      "tagged-two",
    ]);
    const long = "x".repeat(10_000);
    await launch("tagged-long", { labels: { values: { [long]: "one", inner: long } } });
    expect(await named("contains(execution_tag.key,x)")).toEqual([]);
  });

  test("are refused when they cannot be stored, and cannot be sorted by", async () => {
    expect((await rejection(launch("bad-tag", { tags: ["ok", "a\u0000b"] }))).message).toContain("spec.tags[1]");
    expect((await rejection(launch("bad-tag", { tags: ["x".repeat(256)] }))).code).toBe("invalid_argument");
    const sorted = open.admin.listExecutions({ id: TEST_TENANT, limit: 10, sortBy: { key: "execution_tag.key" } });
    expect((await rejection(sorted)).reason).toBe("list_sort_impossible");
  });
});
