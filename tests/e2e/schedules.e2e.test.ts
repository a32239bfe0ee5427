import { timestampDate } from "@bufbuild/protobuf/wkt";
import { createSkeinClient, type SkeinClient } from "@skein/client";
import { type Execution, ExecutionMetadata_ExecutionMode } from "@skein/idl/admin";
import { type AdminClient, openAdminClient, TEST_TENANT, untilOver, waitFor } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type FlyteClients, haveClients, openFlyteClients, type RunningSkein, startSkein } from "./src/index.ts";

const MINUTE_MS = 60_000;
const PLANS = ["ticking.cron", "ticking.rate"] as const;

describe.skipIf(!(await haveClients()))("schedules", () => {
  let skein: RunningSkein;
  let clients: FlyteClients;
  let admin: AdminClient;
  let client: SkeinClient;

  beforeAll(async () => {
    skein = await startSkein({ queue: "postgres", storage: "file", apis: 1, schedulers: 1, agents: 1 });
    clients = await openFlyteClients(skein);
    admin = openAdminClient(skein.url);
    client = createSkeinClient({ url: skein.url });
    await clients.register("scheduled/ticking.py");
  });
  afterAll(async () => {
    await clients?.close();
    await skein?.close();
  });

  const runsOf = async (plan: string): Promise<Execution[]> => {
    const filters = `eq(launch_plan.name,${plan})`;
    return (await admin.listExecutions({ id: TEST_TENANT, limit: 100, filters })).executions;
  };
  const momentOf = ({ spec }: Execution): number => {
    const at = spec?.metadata?.scheduledAt;
    return at ? timestampDate(at).getTime() : Number.NaN;
  };
  const setState = async (plan: string, flag: "--activate" | "--deactivate") => {
    const { code, output } = await clients.flytectl("update", "launchplan", plan, "--version", "v1", flag, "--force");
    expect(code, output).toBe(0);
  };
  const untilFired = (plan: string) =>
    waitFor(async () => (await runsOf(plan)).length > 0, { timeoutMs: 120_000, what: `${plan} to be fired` });

  test("C9.78 and C9.79: a run a minute that knows its moment, none twice after a restart, none after deactivation", async () => {
    for (const plan of PLANS) await setState(plan, "--activate");
    const cron = await client.schedules.get.query({ ...TEST_TENANT, name: "ticking.cron" });
    expect(cron).toMatchObject({
      version: "v1",
      isActive: true,
      timeZone: { value: "Europe/Berlin", from: "launch plan" },
      overlap: { value: "allow", from: "default" },
    });
    const anchorMs = Date.parse(
      (await client.schedules.get.query({ ...TEST_TENANT, name: "ticking.rate" })).activatedAt,
    );

    await untilFired("ticking.cron");
    const [scheduler] = skein.schedulers;
    scheduler?.kill("SIGKILL");
    await scheduler?.exited();
    await scheduler?.start();
    await untilFired("ticking.rate");
    for (const plan of PLANS) await setState(plan, "--deactivate");

    for (const plan of PLANS) {
      const runs = await runsOf(plan);
      const moments = runs.map(momentOf);
      expect(new Set(moments).size, `${plan} fired at ${moments}`).toBe(moments.length);
      const beginMs = plan === "ticking.cron" ? 0 : anchorMs;
      for (const moment of moments) expect((moment - beginMs) % MINUTE_MS).toBe(0);
      for (const run of runs) {
        expect(run.spec?.metadata?.mode).toBe(ExecutionMetadata_ExecutionMode.SCHEDULED);
        expect(run.spec?.metadata?.principal).toBe("skein-scheduler");
        const id = { ...TEST_TENANT, name: run.id?.name ?? "" };
        await untilOver(admin, id.name);
        const { outputs } = await client.runs.data.query(id);
        expect(Date.parse(String(outputs.o0))).toBe(momentOf(run));
      }
      const after = await client.schedules.get.query({ ...TEST_TENANT, name: plan });
      expect(after).toMatchObject({ version: null, isActive: false, next: [] });
      const { items } = await client.schedules.ticks.query({ ...TEST_TENANT, name: plan });
      expect(items.map(({ outcome }) => outcome)).toEqual(runs.map(() => "launched"));
    }
  }, 300_000);

  test("C9.80 a schedule with an input that nobody gives is refused when it is registered", async () => {
    const tenant = ["-p", TEST_TENANT.project, "-d", TEST_TENANT.domain, "--version", "v1"];
    const { code, output } = await clients.pyflyte("register", ...tenant, "scheduled/unbound.py");
    expect(code, output).not.toBe(0);
    expect(output).toMatch(/input "x" is required, and a schedule cannot give it/);
  });

  test("a backfill makes a run for each tick of a range, and none for what it has done", async () => {
    const range = { from: "2026-03-01T00:00:00Z", to: "2026-03-01T00:04:00Z" };
    const plan = { ...TEST_TENANT, name: "ticking.cron", version: "v1", ...range };
    const backfill = await client.backfills.create.mutate({ ...plan, maxParallel: 2, order: "newest" });
    expect(backfill).toMatchObject({ phase: "running", ticks: { total: 5, leftAlone: 0 } });
    const id = { ...TEST_TENANT, id: backfill.id };
    await waitFor(async () => (await client.backfills.get.query(id)).phase === "done", { timeoutMs: 60_000 });
    const { items } = await client.backfills.ticks.query(id);
    expect(items.map(({ fireAt, outcome }) => `${fireAt.slice(14, 16)} ${outcome}`)).toEqual(
      ["04", "03", "02", "01", "00"].map((minute) => `${minute} launched`),
    );
    const again = await client.backfills.create.mutate(plan);
    expect(again.ticks).toMatchObject({ total: 5, leftAlone: 5, pending: 0 });
    const tagged = await admin.listExecutions({
      id: TEST_TENANT,
      limit: 100,
      filters: `eq(execution_tag.key,backfill-${backfill.id})`,
    });
    expect(tagged.executions).toHaveLength(5);
  });
});
