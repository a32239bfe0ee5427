import { createSkeinClient } from "@skein/client";
import {
  chainOf,
  echoTask,
  integerInterface,
  launchPlanOf,
  openAdminClient,
  signalOf,
  TEST_TENANT,
  waitFor,
  workflowOf,
} from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestCli, type TestCli } from "../testing/open-test-cli.ts";

const BIG = "9223372036854775807";

let cli: TestCli;
beforeAll(async () => {
  cli = await openTestCli();
  const admin = openAdminClient(cli.url);
  const echo = echoTask("cli.echo");
  await admin.createTask(echo);
  const gate = workflowOf("cli.gate", [signalOf("n0", "go")], integerInterface([], []));
  for (const workflow of [chainOf("cli.chain", echo, 2), gate]) {
    await admin.createWorkflow(workflow);
    await admin.createLaunchPlan(launchPlanOf(workflow));
  }
});
afterAll(() => cli?.close());

test("a run is launched, followed and shown, with whole numbers in all their digits", async () => {
  const { code, stdout, stderr } = await cli.skein("run", "cli.chain", "-i", `x=${BIG}`, "--wait", "-o", "json");
  expect([code, stderr]).toEqual([0, expect.stringContaining("succeeded  run ")]);
  const run = JSON.parse(stdout) as Record<string, unknown>;
  expect(Object.keys(run).sort()).toEqual(
    "abort createdAt domain durationSeconds endedAt error id inputs labels large mode name outputs parent phase principal project reference spec startedAt state tags url workflow"
      .split(" ")
      .concat(Object.keys(run).filter((key) => key.startsWith("priority") || key.startsWith("pool")))
      .sort(),
  );
  expect(run).toMatchObject({ phase: "succeeded", inputs: { x: BIG }, outputs: { x: BIG } });
  const urls = stderr.split("\n").filter((line) => line.startsWith("http"));
  expect(urls).toEqual([`${cli.url}/console/projects/flytesnacks/domains/development/executions/${String(run.name)}`]);
  const shown = await cli.skein("get", "run", `flytesnacks/development/${String(run.name)}`);
  expect(shown.stdout).toMatch(new RegExp(`Outputs +x = ${BIG}`));
  expect(await cli.json("get", "actions", String(run.name))).toEqual(
    expect.arrayContaining([expect.objectContaining({ name: "n1", phase: "succeeded" })]),
  );
});

test("the same name is the same run, and a name of another run is refused", async () => {
  const again = () => cli.skein("run", "cli.echo", "--task", "-i", "x=1", "--name", "once", "-o", "name");
  expect(await again()).toMatchObject({ code: 0, stdout: "once\n" });
  expect(await again()).toMatchObject({ code: 0, stdout: "once\n", stderr: expect.stringContaining("started before") });
  const other = await cli.skein("run", "cli.chain", "-i", "x=1", "--name", "once");
  expect(other).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("is a run of cli.echo. Choose another --name"),
  });
});

test("runs are found by what they are and were given, page by page", async () => {
  for (const x of ["41", "42", "43"]) {
    const tagged = ["--tag", "found", "--label", `n=${x}`, "--name", `found-${x}`];
    expect((await cli.skein("run", "cli.echo", "-i", `x=${x}`, ...tagged, "--wait")).code).toBe(0);
  }
  const names = async (...args: string[]) => (await cli.skein("runs", "-o", "name", ...args)).stdout.trim().split("\n");
  expect(await names("--tag", "found")).toEqual(["found-43", "found-42", "found-41"]);
  expect(await names("--tag", "found", "--label", "n=42", "--phase", "succeeded")).toEqual(["found-42"]);
  expect(await names("--tag", "found", "--input", "x=42")).toEqual(["found-42"]);
  expect(await names("--tag", "found", "--input", "x>=42", "--oldest-first")).toEqual(["found-42", "found-43"]);
  const page = await cli.skein("runs", "--tag", "found", "--limit", "2");
  const cursor = /--cursor (\S+),/.exec(page.stderr)?.[1] ?? "";
  expect(page.stdout).toMatch(/^NAME +PHASE +WORKFLOW.*\nfound-43 +succeeded +cli\.echo/);
  expect(await names("--tag", "found", "--limit", "2", "--cursor", cursor)).toEqual(["found-41"]);
  expect(await cli.json("runs", "--tag", "found", "--count")).toMatchObject({ total: 3 });
  expect((await cli.skein("archive", "found-41", "found-42")).code).toBe(0);
  expect(await names("--tag", "found")).toEqual(["found-43"]);
  expect((await cli.skein("unarchive", "found-41")).code).toBe(0);
  expect(await names("--tag", "found", "--archived")).toEqual(["found-42"]);
});

test("a run that waits is seen, answered, and over", async () => {
  const { stdout } = await cli.skein("run", "cli.gate", "-o", "name");
  const name = stdout.trim();
  const isWaiting = async () => (await cli.skein("signal", name, "-o", "name")).stdout === "go\n";
  await waitFor(isWaiting, { what: "the gate to ask" });
  expect((await cli.skein("signal", name)).stdout).toMatch(/^SIGNAL .*\ngo +n0 +waiting +int /);
  const late = await cli.skein("watch", name, "--timeout", "50ms");
  expect(late).toMatchObject({ code: 8, stderr: expect.stringContaining(`skein watch ${name}`) });
  expect(await cli.skein("signal", name, "go", "--approve")).toMatchObject({
    code: 2,
    stderr: "Signal go asks for a value of type int: --value.\n",
  });
  expect((await cli.skein("signal", name, "go", "--value", BIG)).code).toBe(0);
  const lines = (await cli.skein("watch", name, "-o", "json")).stdout.trim().split("\n");
  expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ run: { name, phase: "succeeded" } });
  expect(await cli.json("signal", name, "--all")).toMatchObject([{ signal: "go", value: BIG }]);
});

test("what a run waits for is said, and a run that is over is deleted once it is confirmed", async () => {
  const name = (await cli.skein("run", "cli.gate", "--priority", "5", "-o", "name")).stdout.trim();
  const says = async () => (await cli.skein("why", name)).stdout;
  await waitFor(async () => /^n0 +.*go/m.test(await says()), { what: "the gate to ask" });
  expect((await cli.skein("priority", name, "7")).stderr).toBe(`Run ${name} has priority 7.\n`);
  expect((await cli.skein("purge", name, "--yes")).code).toBe(1);
  await cli.skein("stop", name, "--wait");
  expect(await says()).toContain("It is over");
  expect(await cli.skein("purge", name)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--yes: is needed"),
  });
  expect((await cli.skein("purge", name, "--yes")).stderr).toBe(`Run ${name} is deleted.\n`);
  expect((await cli.skein("get", "run", name)).code).toBe(3);
  expect((await cli.skein("purge", "list", "-o", "name")).stdout).toContain(`${name}\n`);
});

test("a run is stopped with a reason, and finished by recovering it", async () => {
  const name = (await cli.skein("run", "cli.gate", "-o", "name")).stdout.trim();
  const stopped = await cli.skein("stop", name, "no-such-run", "--reason", "wrong day", "--wait");
  expect(stopped).toMatchObject({ code: 3, stderr: expect.stringMatching(/aborted\.\nno-such-run: .*not exist/) });
  const watched = await cli.skein("watch", name);
  expect(watched).toMatchObject({ code: 5, stderr: expect.stringContaining("was stopped: wrong day") });
  const recovered = (await cli.skein("recover", name, "--name", "recovered", "-o", "name")).stdout.trim();
  expect(recovered).toBe("recovered");
  expect(await cli.json("get", "run", "recovered")).toMatchObject({ mode: "recovered", reference: { name } });
  expect((await cli.skein("relaunch", "once", "--name", "once-more", "--wait")).code).toBe(0);
  expect((await cli.skein("stop", "recovered")).code).toBe(0);
});

test("what went wrong is a line, with the exit code of its kind", async () => {
  const cases = [
    [["get", "run", "no-such-run"], 3, /no-such-run/],
    [["run", "no.such.plan"], 3, /There is no launch plan or task no\.such\.plan in flytesnacks\/development/],
    [["run", "cli.chain", "-i", "x=five"], 2, /x: it must be a whole number/],
    [["run", "cli.chain", "-i", "y=5", "-i", "x=1"], 2, /y: there is no such input; known are: x/],
    [["run", "cli.chain", "-i", "x"], 2, /--input: "x" must be name=value/],
    [["runs", "--phase", "done"], 2, /--phase/],
    [["runs", "--no-such-option"], 2, /unknown option/],
    [["runs", "--server", "http://127.0.0.1:1"], 7, /Is it running\? --server or SKEIN_API_URL says where/],
    [["runs", "--profile", "none"], 2, /There is no profile none/],
  ] as const;
  for (const [args, code, message] of cases) {
    const said = await cli.skein(...args);
    expect([args, said.code, said.stderr]).toEqual([args, code, expect.stringMatching(message)]);
    expect([args, said.stdout]).toEqual([args, ""]);
  }
  expect(await createSkeinClient({ url: cli.url }).runs.count.query(TEST_TENANT)).toMatchObject({ isCut: false });
});
