import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type LiteralSchema, ResourceType, TaskExecution_Phase, WorkflowExecution_Phase } from "@skein/idl/core";
import {
  type AdminClient,
  freePort,
  type LeashedProcess,
  openAdminClient,
  startLeashed,
  TEST_TENANT,
  testId,
  untilOver,
  waitFor,
} from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { flytekitBin } from "./src/flytekit-venv.ts";
import {
  attemptsOf,
  backingsOfLongSuite,
  type FlyteClients,
  haveClients,
  openFlyteClients,
  outputsWhenOver,
  type RunningSkein,
  startSkein,
} from "./src/index.ts";

const available = await haveClients();
const BACKING = { queue: "postgres", storage: "file" } as const;
const LONG = { timeoutMs: 30_000 };

describe.skipIf(!available).each(backingsOfLongSuite(BACKING))("a connector, files in $storage", (backing) => {
  let skein: RunningSkein;
  let clients: FlyteClients;
  let admin: AdminClient;
  let connector: LeashedProcess;
  let journal = "";

  beforeAll(async () => {
    const [port, metricsPort] = [await freePort(), await freePort()];
    const connectors = [{ name: "flytekit", endpoint: `127.0.0.1:${port}`, pollSeconds: 0.3 }];
    const env = { SKEIN_CONNECTORS: JSON.stringify(connectors) };
    skein = await startSkein({ ...backing, env, apis: 1, schedulers: 1, agents: 1, agentSlots: 1 });
    clients = await openFlyteClients(skein);
    admin = openAdminClient(skein.url);
    journal = join(skein.folder, "journal");
    const serve = [
      "serve",
      "connector",
      "--port",
      `${port}`,
      "--prometheus_port",
      `${metricsPort}`,
      "--modules",
      "served",
    ];
    const [bin, cwd] = [await flytekitBin(), join(clients.workflows, "connectors")];
    const { s3 } = skein;
    // The agent is there before the connector: it asks until somebody answers.
    connector = await startLeashed(join(bin ?? "", "pyflyte"), serve, {
      cwd,
      logFile: join(skein.folder, "connector.log"),
      env: {
        PATH: process.env.PATH,
        HOME: skein.folder,
        PYTHONDONTWRITEBYTECODE: "1",
        SKEIN_TEST_JOURNAL: journal,
        ...(s3 && {
          FLYTE_AWS_ENDPOINT: s3.endpoint,
          FLYTE_AWS_ACCESS_KEY_ID: s3.accessKeyId,
          FLYTE_AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
        }),
      },
    });
    await clients.register("connectors/served.py");
  });
  afterAll(async () => {
    await connector?.close();
    await clients?.close();
    await skein?.close();
  });

  const text = (value: string): MessageInitShape<typeof LiteralSchema> => {
    const primitive = { value: { case: "stringValue" as const, value } };
    return { value: { case: "scalar", value: { value: { case: "primitive", value: primitive } } } };
  };
  async function start(workflow: string, inputs: Readonly<Record<string, string>>): Promise<string> {
    const literals = Object.entries(inputs).map(([name, value]) => [name, text(value)]);
    const { id } = await admin.createExecution({
      ...TEST_TENANT,
      spec: { launchPlan: testId(ResourceType.LAUNCH_PLAN, `served.${workflow}`, "v1") },
      inputs: { literals: Object.fromEntries(literals) },
    });
    return id?.name ?? "";
  }
  const written = (): string[] => (existsSync(journal) ? readFileSync(journal, "utf8").trim().split("\n") : []);
  const asked = (what: string, run: string) => written().filter((line) => line.startsWith(`${what} ${run}`));

  const failureOf = async (run: string) => {
    const { closure } = await untilOver(admin, run);
    expect(closure?.phase).toBe(WorkflowExecution_Phase.FAILED);
    return closure?.outputResult.case === "error" ? closure.outputResult.value : undefined;
  };
  const isRunning = async (run: string) =>
    (await attemptsOf(admin, run, "n0")).some(({ phase }) => phase === TaskExecution_Phase.RUNNING);

  test.concurrent("makes what others made of its outputs, whether it stores outputs or sends them", async () => {
    const run = await start("counted_again", { mode: "stored" });
    expect(await outputsWhenOver(admin, run)).toEqual({ o0: 8n });
    expect(asked("create", run)).toEqual([
      `create ${run}-plain apples flytesnacks 0`,
      `create ${run}-stored apples flytesnacks 0`,
    ]);
    expect(asked("delete", run)).toEqual([]);
  });

  test.concurrent("does a task in one call", async () => {
    const [run, mute] = await Promise.all([start("shouted", {}), start("shouted", { text: "" })]);
    expect(await outputsWhenOver(admin, run)).toEqual({ o0: "HELLO" });
    expect((await failureOf(mute))?.message).toContain("nothing to shout");
  });

  test.concurrent("says itself whether a task that failed is tried again", async () => {
    const runs = await Promise.all(["failing", "flaky", "refused"].map((mode) => start("counted", { mode })));
    const [failing = "", flaky = "", refused = ""] = runs;
    expect(await failureOf(failing)).toMatchObject({
      message: expect.stringContaining("failed to run the job: the job broke"),
    });
    expect(await attemptsOf(admin, failing, "n0")).toHaveLength(1);
    expect(await outputsWhenOver(admin, flaky)).toEqual({ o0: 7n });
    expect((await attemptsOf(admin, flaky, "n0")).map(({ error }) => error?.code)).toEqual([
      "TaskFailedWithError",
      undefined,
    ]);
    expect((await failureOf(refused))?.message).toContain("no room for it");
    expect(asked("create", refused)).toHaveLength(2);
  });

  test("goes on with what an agent that died had it make, and is told to delete what somebody aborts", async () => {
    // One slot is enough for any number: they take none.
    const [aborted, kept] = await Promise.all([start("counted", { mode: "held" }), start("counted", { mode: "held" })]);
    await waitFor(async () => (await isRunning(aborted)) && (await isRunning(kept)), LONG);
    const [agent] = skein.agents;
    agent?.kill("SIGKILL");
    await agent?.exited();
    const before = asked("get", kept).length;
    await agent?.start();
    await waitFor(() => asked("get", kept).length > before, LONG);
    await admin.terminateExecution({ id: { ...TEST_TENANT, name: aborted }, cause: "no need" });
    await waitFor(() => asked("delete", aborted).length > 0, LONG);
    writeFileSync(`${journal}.go`, "");
    expect(await outputsWhenOver(admin, kept)).toEqual({ o0: 7n });
    expect((await untilOver(admin, aborted)).closure?.phase).toBe(WorkflowExecution_Phase.ABORTED);
    const errors = (await attemptsOf(admin, kept, "n0")).flatMap(({ error }) => error?.message ?? []);
    // Where the machine is so busy that the agent's lease is over before it is back, there is a second attempt.
    expect(asked("create", kept)).toHaveLength(1 + errors.length);
    expect(errors.join()).not.toContain("nothing was left");
  });
});
