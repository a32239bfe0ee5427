import { createSkeinClient } from "@skein/client";
import { chainOf, echoTask, integerInputs, launchPlanOf, openAdminClient, TEST_TENANT, waitFor } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestCli, type TestCli } from "../testing/open-test-cli.ts";

const PLAN = "cli.nightly";

let cli: TestCli;
beforeAll(async () => {
  cli = await openTestCli();
  const admin = openAdminClient(cli.url);
  const echo = echoTask("cli.echo");
  await admin.createTask(echo);
  const workflow = chainOf(PLAN, echo, 1);
  await admin.createWorkflow(workflow);
  const schedule = { ScheduleExpression: { case: "cronSchedule" as const, value: { schedule: "0 3 * * *" } } };
  await admin.createLaunchPlan(
    launchPlanOf(workflow, { entityMetadata: { schedule }, fixedInputs: integerInputs({ x: 7 }) }),
  );
  const client = createSkeinClient({ url: cli.url });
  await client.launchPlans.setState.mutate({ ...TEST_TENANT, name: PLAN, version: "v1", state: "active" });
});
afterAll(() => cli?.close());

test("a schedule is shown with its next moments, set, paused and taken up again", async () => {
  expect((await cli.skein("schedules")).stdout).toMatch(/^LAUNCH PLAN .*\ncli\.nightly +v1 .* UTC +active +20\d\d-/);
  expect((await cli.skein("schedules", "set", PLAN, "--time-zone", "Europe/Berlin")).stdout).toContain("Europe/Berlin");
  const moments = (await cli.json("schedules", "next", PLAN, "--count", "3")) as string[];
  const berlin = new Intl.DateTimeFormat("en", { timeZone: "Europe/Berlin", hour: "numeric", hourCycle: "h23" });
  expect(moments.map((moment) => berlin.format(new Date(moment)))).toEqual(["03", "03", "03"]);
  expect(await cli.skein("schedules", "pause", PLAN)).toMatchObject({
    code: 0,
    stderr: `Schedule ${PLAN} is paused.\n`,
  });
  expect((await cli.skein("schedules", "next", PLAN)).stderr).toContain("starts nothing more");
  expect((await cli.skein("schedules", "resume", PLAN)).stderr).toBe(`Schedule ${PLAN} is active.\n`);
  expect((await cli.skein("schedules", "get", "none")).code).toBe(3);
  expect((await cli.skein("schedules", "set", PLAN)).code).toBe(2);
});

test("a backfill makes the runs of a range, and is listed with what came of each moment", async () => {
  const range = ["--from", "2026-01-01T00:00:00Z", "--to", "2026-01-03T23:00:00Z", "--time-zone", "UTC"];
  const created = (await cli.json("backfill", PLAN, ...range)) as { id: string };
  const isLaunched = async () => (await cli.skein("backfill", "list")).stdout.includes("3 of 3 launched");
  await waitFor(isLaunched, { what: "the backfill to launch its runs", timeoutMs: 20_000 });
  const ticks = (await cli.json("backfill", "get", created.id, "--ticks")) as { outcome: string; fireAt: string }[];
  expect(ticks.map(({ outcome }) => outcome)).toEqual(["launched", "launched", "launched"]);
  expect((await cli.skein("backfill", PLAN)).stderr).toBe("range: give --from and --to.\n");
  expect((await cli.skein("backfill", PLAN, ...range, "--every", "1 year")).code).toBe(2);
});

test("a policy is set, seen by the scopes below it, and removed", async () => {
  const scope = ["task-resource", "-d", "development"];
  expect((await cli.skein("policies", "set", ...scope, "--value", '{"defaults": {"cpu": "1"}}')).code).toBe(0);
  expect((await cli.skein("policies")).stdout).toMatch(/flytesnacks +development +\* +\* +task-resource +.*"cpu":"1"/);
  const below = await cli.skein("policies", "get", ...scope, "--workflow", PLAN, "--effective");
  expect(below).toMatchObject({ code: 0, stdout: expect.stringContaining('cpu: "1"') });
  expect((await cli.skein("policies", "get", ...scope, "--workflow", PLAN)).code).toBe(3);
  const wrong = await cli.skein("policies", "set", ...scope, "--value", '{"default": {}}');
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('"default"') });
  expect((await cli.skein("policies", "delete", ...scope)).code).toBe(0);
  expect((await cli.skein("policies")).stderr).toBe("No policies are set.\n");
});

test("limits of a launch plan and of what a project keeps are set, shown and taken away", async () => {
  expect((await cli.skein("concurrency", PLAN)).stdout).toBe("Its versions decide themselves.\n");
  const said = (await cli.skein("concurrency", PLAN, "--max", "3", "--when-full", "queue")).stdout;
  expect(said).toBe("At most 3 unfinished runs; above that: queue.\n");
  expect((await cli.skein("concurrency", PLAN, "--reset")).stdout).toBe("Its versions decide themselves.\n");
  expect((await cli.skein("concurrency", PLAN, "--when-full", "queue")).code).toBe(2);
  expect((await cli.skein("retention", "set", "-d", "development", "--runs", "90")).stdout).toMatch(
    /development +90 days +for ever/,
  );
  expect((await cli.skein("retention", "clear", "-d", "development")).stderr).toMatch(/^No rule is set/);
});

test("a rule says who hears of runs that are over", async () => {
  const said = await cli.skein("notifications", "set", "on-call", "--phase", "failed", "--email", "ops@example.com");
  expect(said).toMatchObject({ code: 0, stderr: "Rule on-call counts for runs that end from now on.\n" });
  expect((await cli.skein("notifications")).stdout).toMatch(
    /on-call +development +\* +failed +email +ops@example\.com/,
  );
  expect((await cli.skein("notifications", "deliveries")).stderr).toBe("Nothing was sent.\n");
  expect((await cli.skein("notifications", "set", "none", "--phase", "failed")).code).toBe(2);
  expect((await cli.skein("notifications", "delete", "on-call")).code).toBe(0);
});

test("what is registered is listed and shown", async () => {
  expect((await cli.skein("get", "tasks", "-o", "name")).stdout).toBe("cli.echo\n");
  expect((await cli.skein("get", "task", "cli.echo", "--versions", "-o", "name")).stdout).toBe("v1\n");
  expect((await cli.skein("get", "workflow", PLAN)).stdout).toMatch(/Inputs +x: integer/);
  expect((await cli.skein("get", "launch-plan", PLAN)).stdout).toMatch(/State +active/);
  expect((await cli.skein("get", "task", "cli.echo", "--spec", "-o", "yaml")).stdout).toContain("type: echo");
  expect((await cli.skein("get", "task", "none")).code).toBe(3);
  expect((await cli.skein("get", "projects", "-o", "name")).stdout).toContain("flytesnacks\n");
  expect((await cli.skein("get", "domains", "-o", "name")).stdout).toContain("development\n");
  expect((await cli.skein("pools")).code).toBe(0);
  expect((await cli.skein("agents")).stdout).toMatch(/a1 +default +process +open/);
  expect((await cli.skein("agents", "cordon", "a1", "-o", "name")).stdout).toBe("a1\n");
  expect((await cli.skein("agents", "uncordon", "a1")).code).toBe(0);
  expect((await cli.skein("agents", "cordon", "nobody")).code).toBe(3);
});

test("a profile stands for the options, and a flag counts before it", async () => {
  expect((await cli.skein("config", "set", "work", "--server", "https://skein.example.com", "-p", "shop")).code).toBe(
    0,
  );
  const shown = await cli.json("config", "show");
  expect(shown).toMatchObject({ profile: "work", server: cli.url, project: "shop", domain: "development" });
  expect(await cli.json("config", "show", "-p", "other")).toMatchObject({ project: "other", hasToken: false });
  expect(await cli.json("config", "list")).toMatchObject([{ name: "work", isCurrent: true }]);
  expect((await cli.skein("config", "set", "bad name", "--server", "http://x")).code).toBe(2);
  expect((await cli.skein("config", "remove", "work")).code).toBe(0);
  expect((await cli.skein("config", "use", "work")).code).toBe(3);
});
