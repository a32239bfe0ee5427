import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createSkeinClient, watchRun } from "@skein/client";
import { commandTask, echoTask, openAdminClient } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningSkein, startSkein } from "./src/index.ts";

const TENANT = { project: "flytesnacks", domain: "development" };
const EXAMPLE = fileURLToPath(new URL("../../packages/client/examples/launch-and-follow.ts", import.meta.url));

let skein: RunningSkein;
beforeAll(async () => {
  skein = await startSkein({ queue: "postgres", storage: "file", apis: 1, schedulers: 1, agents: 1 });
  await skein.untilReady();
  const admin = openAdminClient(skein.url);
  await admin.createTask(echoTask("client.echo"));
  await admin.createTask(commandTask("client.say", ["sh", "-c", "echo hello; echo world"]));
  await admin.createTask(commandTask("client.sleep", ["sleep", "60"]));
});
afterAll(() => skein?.close());

test("the client's example launches a task, follows it to its end and prints the outputs", async () => {
  const parts = [EXAMPLE, skein.url, TENANT.project, TENANT.domain, "client.echo", '{"x": 5}'];
  const { stdout } = await promisify(execFile)(process.execPath, parts);
  expect(stdout).toContain("run succeeded");
  expect(stdout).toContain('outputs {"x":"5"}');
});

test("a command's log can be read while it runs and after it", async () => {
  const client = createSkeinClient({ url: skein.url });
  const id = await client.runs.launch.mutate({ ...TENANT, task: { name: "client.say" } });
  const names: string[] = [];
  for await (const { actions } of watchRun(client, id)) names.push(...actions.map(({ name }) => name));
  const action = names.find((name) => !/^(start|end)-node$/.test(name)) ?? "";
  await expect
    .poll(async () => client.runs.logs.query({ ...id, action, attempt: 0 }), { timeout: 10_000 })
    .toMatchObject({ text: expect.stringContaining("hello\nworld\n"), isComplete: true });
});

test("an abort through the client ends a command that runs", async () => {
  const client = createSkeinClient({ url: skein.url });
  const id = await client.runs.launch.mutate({ ...TENANT, task: { name: "client.sleep" } });
  let isAsked = false;
  const phases = new Set<string>();
  for await (const { run, actions } of watchRun(client, id)) {
    phases.add(run.phase);
    if (isAsked || !actions.some(({ kind, phase }) => kind === "task" && phase === "running")) continue;
    isAsked = true;
    await client.runs.abort.mutate({ ...id, cause: "enough" });
  }
  expect([...phases].at(-1)).toBe("aborted");
  expect(await client.runs.get.query(id)).toMatchObject({ abort: { cause: "enough", principal: "anonymous" } });
});
