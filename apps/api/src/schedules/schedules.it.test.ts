import type { MessageInitShape } from "@bufbuild/protobuf";
import type { LaunchPlanSpecSchema } from "@skein/idl/admin";
import { chainOf, echoTask, integerInterface, launchPlanOf, openAdminClient, TEST_TENANT } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../testing/start-test-api.ts";
import { openTestTrpc, type TestTrpc } from "../testing/trpc-client.ts";

const NIGHTLY = { ...TEST_TENANT, name: "nightly" };
let api: TestApi;
let client: TestTrpc;

type Spec = Omit<MessageInitShape<typeof LaunchPlanSpecSchema>, "$typeName" | "$unknown">;
const every = (schedule: string): Spec => ({
  entityMetadata: { schedule: { ScheduleExpression: { case: "cronSchedule", value: { schedule } } } },
});

/** Gives `x`, which the workflow asks for. */
function defaultInputs() {
  const x = integerInterface(["x"], []).inputs?.variables.x;
  const literal = {
    value: {
      case: "scalar",
      value: { value: { case: "primitive", value: { value: { case: "integer", value: 1n } } } },
    },
  } as const;
  return { parameters: { x: { ...(x ? { var: x } : {}), behavior: { case: "default", value: literal } } } } as const;
}

async function register(name: string, spec: Spec): Promise<void> {
  const admin = openAdminClient(api.url);
  const workflow = chainOf("chain", echoTask("echo"), 1);
  const plan = launchPlanOf(workflow, spec);
  if (plan.id) plan.id.name = name;
  await admin.createLaunchPlan(plan);
}

beforeAll(async () => {
  api = await startTestApi();
  client = openTestTrpc(api.url);
  const admin = openAdminClient(api.url);
  const echo = echoTask("echo");
  await admin.createTask(echo);
  await admin.createWorkflow(chainOf("chain", echo, 1));
  await register("nightly", {
    ...every("0 2 * * *"),
    defaultInputs: defaultInputs(),
    annotations: { values: { "skein.dev/overlap": "skip" } },
  });
});
afterAll(() => api?.close());

describe("schedules", () => {
  test("a version that nobody could launch, or that says nonsense, is refused", async () => {
    await expect(register("unbound", every("0 2 * * *"))).rejects.toThrow(
      /input "x" is required, and a schedule cannot give it/,
    );
    const annotations = { values: { "skein.dev/timezone": "Mars/Olympus" } };
    await expect(
      register("nowhere", { ...every("0 2 * * *"), defaultInputs: defaultInputs(), annotations }),
    ).rejects.toThrow(/spec\.annotations\["skein\.dev\/timezone"\] is "Mars\/Olympus"/);
  });

  test("begin when a version is activated", async () => {
    await expect(client.schedules.get.query({ ...NIGHTLY, next: 5 })).rejects.toThrow(/has no schedule: activate/);
    await client.launchPlans.setState.mutate({ ...NIGHTLY, version: "v1", state: "active" });
    const schedule = await client.schedules.get.query({ ...NIGHTLY, next: 3 });
    expect(schedule).toMatchObject({
      version: "v1",
      schedule: "0 2 * * *",
      isActive: true,
      activatedBy: "anonymous",
      timeZone: { value: "UTC", from: "default" },
      overlap: { value: "skip", from: "launch plan" },
    });
    expect(schedule.next.map((moment) => moment.slice(10))).toEqual(Array(3).fill("T02:00:00.000Z"));
  });

  test("people's settings win until they are given back, and wrong ones are refused", async () => {
    const set = await client.schedules.update.mutate({ ...NIGHTLY, timeZone: "Asia/Tokyo", overlap: "queue" });
    expect(set.timeZone).toEqual({ value: "Asia/Tokyo", from: "schedule" });
    expect(set.overlap).toEqual({ value: "queue", from: "schedule" });
    expect(set.next[0]).toMatch(/T17:00:00/);
    const back = await client.schedules.update.mutate({ ...NIGHTLY, timeZone: null, overlap: null });
    expect(back.timeZone.from).toBe("default");
    expect(back.overlap).toEqual({ value: "skip", from: "launch plan" });
    for (const wrong of [{ timeZone: "Mars" }, { catchUp: "some" }, { overlap: "maybe" }]) {
      const [[field] = []] = Object.entries(wrong);
      await expect(client.schedules.update.mutate({ ...NIGHTLY, ...wrong })).rejects.toThrow(`${field} is "`);
    }
  });

  test("a pause has no next tick", async () => {
    expect(await client.schedules.pause.mutate(NIGHTLY)).toMatchObject({ isPaused: true, isActive: false, next: [] });
    const list = (isActive: boolean) => client.schedules.list.query({ ...TEST_TENANT, limit: 10, cursor: 0, isActive });
    expect((await list(true)).items).toEqual([]);
    expect((await list(false)).items).toMatchObject([{ name: "nightly" }]);
    expect((await client.schedules.resume.mutate(NIGHTLY)).next).toHaveLength(5);
  });
});

describe("backfills", () => {
  const RANGE = { from: "2026-03-01T02:00:00Z", to: "2026-03-04T02:00:00Z" };
  type New = Parameters<TestTrpc["backfills"]["create"]["mutate"]>[0];
  const create = (more: Partial<New> = {}) => client.backfills.create.mutate({ ...NIGHTLY, ...RANGE, ...more });

  test("take the ticks of a range, both ends with it, and can be stopped", async () => {
    const backfill = await create({ maxParallel: 3 });
    expect(backfill).toMatchObject({ phase: "running", version: "v1", ticks: { total: 4, pending: 4, leftAlone: 0 } });
    const id = { ...TEST_TENANT, id: backfill.id };
    const { items } = await client.backfills.ticks.query({ ...id, limit: 10, cursor: 0 });
    expect(items.map(({ fireAt }) => fireAt.slice(0, 10))).toEqual([
      "2026-03-04",
      "2026-03-03",
      "2026-03-02",
      "2026-03-01",
    ]);
    expect((await create()).ticks).toMatchObject({ total: 4, leftAlone: 4 });
    expect(await client.backfills.pause.mutate(id)).toMatchObject({ phase: "paused" });
    expect(await client.backfills.resume.mutate(id)).toMatchObject({ phase: "running" });
    expect(await client.backfills.cancel.mutate(id)).toMatchObject({ phase: "cancelled", ticks: { cancelled: 4 } });
    await expect(client.backfills.resume.mutate(id)).rejects.toThrow(/is cancelled and cannot become running/);
    // What another backfill was to do, and did not, is free again.
    expect((await create({ order: "newest" })).ticks).toMatchObject({ leftAlone: 0, pending: 4 });
    expect((await client.backfills.list.query({ ...TEST_TENANT, limit: 10, cursor: 0 })).items).toHaveLength(3);
  });

  test("of a rate go on over the whole range", async () => {
    const backfill = await create({ schedule: { every: 12, unit: "hour" } });
    expect(backfill).toMatchObject({ schedule: "every 12 hours", ticks: { total: 7 } });
  });

  test.each([
    [{ from: RANGE.to, to: RANGE.from }, /from is later than to/],
    [{ to: "2999-01-01T00:00:00Z" }, /to is in the future/],
    [{ to: RANGE.from, from: "2026-02-28T02:00:00Z", schedule: { cron: "0 0 1 1 *" } }, /no tick of the schedule/],
    [{ from: "2020-01-01T00:00:00Z", schedule: { every: 1, unit: "minute" } }, /more than 10000 ticks/],
    [{ schedule: { cron: "nonsense" } }, /schedule is "nonsense", which is no cron schedule/],
    [{ version: "v9" }, /not registered|does not exist/],
    [{ timeZone: "Mars" }, /schedule\.time_zone is "Mars"/],
    [{ from: "yesterday" }, /from: must be a moment/],
  ])("that cannot be are refused: %j", async (wrong, message) => {
    await expect(create(wrong as Partial<New>)).rejects.toThrow(message);
  });
});
