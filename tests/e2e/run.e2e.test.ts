import { readdirSync, readlinkSync } from "node:fs";
import { Code, ConnectError } from "@connectrpc/connect";
import { ResourceType } from "@skein/idl/core";
import { type AdminClient, openAdminClient, TEST_TENANT, testId, untilOver } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from "vitest";
import {
  BACKINGS,
  type FlyteClients,
  haveClients,
  nodePhases,
  openFlyteClients,
  outputsWhenOver,
  type RunningSkein,
  startSkein,
} from "./src/index.ts";

const available = await haveClients();
const X = [-3, 0, 3];
const Y = [7, 4, -2];
const runNameIn = (output: string): string => /executions\/([a-z][a-z0-9-]*)/.exec(output)?.[1] ?? "";

/** What the open descriptors of a process point to. */
const openFiles = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${name}`)];
    } catch {
      return [];
    }
  });

describe.skipIf(!available).each(BACKINGS)("running, queue on $queue, files in $storage", (backing) => {
  let skein: RunningSkein;
  let clients: FlyteClients;
  let admin: AdminClient;

  beforeAll(async () => {
    skein = await startSkein({ ...backing, apis: 1, schedulers: 1, agents: 1, agentSlots: 3 });
    clients = await openFlyteClients(skein);
    admin = openAdminClient(skein.url);
    await clients.register();
  });
  afterAll(async () => {
    await clients?.close();
    await skein?.close();
  });
  const runRemote = (...args: string[]) =>
    clients.pyflyte("run", "--remote", "--wait", "--poll-interval", "1", ...args);

  test("C3.19-21 a workflow run by pyflyte succeeds, and flytectl shows it with its nodes", async () => {
    onTestFailed(() => console.error(skein.logs()));
    const { code, output } = await runRemote("greetings.py", "hello");
    expect(output).toContain("has succeeded.");
    expect(code).toBe(0);
    const name = runNameIn(output);
    expect(await outputsWhenOver(admin, name)).toEqual({ o0: "Hello, World!" });

    const [table, yaml, details] = await Promise.all([
      clients.flytectl("get", "execution", name),
      clients.flytectl("get", "execution", name, "-o", "yaml"),
      clients.flytectl("get", "execution", name, "--details"),
    ]);
    expect(table.output).toContain("SUCCEEDED");
    expect(yaml.stdout).toMatch(/phase: SUCCEEDED/);
    expect(yaml.stdout).toMatch(/startedAt:/);
    expect(yaml.stdout).toMatch(/duration:/);
    for (const part of ["start-node", "n0 - SUCCEEDED", "Attempt :0", "end-node", "Hello, World!"]) {
      expect(details.output).toContain(part);
    }
  });

  test("C3.22 a single task runs without a workflow around it", async () => {
    const { output } = await runRemote("line_fit.py", "slope", "--x", "[1,2,3]", "--y", "[2,4,6]");
    const name = runNameIn(output);
    expect(await outputsWhenOver(admin, name), output).toEqual({ o0: 2 });
    expect(Object.keys(await nodePhases(admin, name))).toContain("linefitslope");
  });

  test("C3.23-25 lists, partials, named outputs and workflows built by hand give the local values", async () => {
    const [plain, partial, named, byHand] = await Promise.all(
      ["line_fit.height", "line_fit.height_with_partial", "line_fit.line", "by_hand.height"].map(async (plan) =>
        outputsWhenOver(admin, await clients.launch(plan, { x: X, y: Y })),
      ),
    );
    expect(plain).toEqual({ o0: 3 });
    expect(partial).toEqual({ o0: 3 });
    expect(named).toEqual({ slope: -1.5, intercept: 3 });
    expect(byHand).toEqual({ height: 3 });
  });

  test("C3.24 a docstring becomes the workflow's description", async () => {
    const entity = await admin.getDescriptionEntity({
      id: testId(ResourceType.WORKFLOW, "line_fit.line", "v1"),
    });
    expect(entity.shortDescription).toBe("Fits a line.");
  });

  test("C3.26 the same execution name twice is the same run", async () => {
    const remote = await clients.remote();
    const names = await remote.run(`
      plan = remote.fetch_launch_plan(name="plans.with_default")
      result = [remote.execute(plan, inputs={"a": 6}, execution_name="abc1").id.name for _ in range(2)]
    `);
    expect(names).toEqual(["abc1", "abc1"]);
    expect(await outputsWhenOver(admin, "abc1")).toEqual({ o0: 42n });
    const { executions } = await admin.listExecutions({
      id: TEST_TENANT,
      limit: 10,
      filters: "eq(execution.name,abc1)",
    });
    expect(executions).toHaveLength(1);
  });

  test("C3.27 names that no execution can have are refused", async () => {
    const launchPlan = testId(ResourceType.LAUNCH_PLAN, "greetings.hello", "v1");
    for (const name of ["1abc", "a_b", "a".repeat(64), "a b", "-a"]) {
      const refusal = ConnectError.from(
        await admin.createExecution({ ...TEST_TENANT, name, spec: { launchPlan } }).catch((error: unknown) => error),
      );
      expect(refusal.code, name).toBe(Code.InvalidArgument);
    }
  });

  test("C3.28 missing, unknown, mistyped and fixed inputs are refused by name", async () => {
    const remote = await clients.remote();
    const refusal = async (plan: string, inputs: string): Promise<string> => {
      const said = await remote.run(`
        from flytekit.core.context_manager import FlyteContextManager
        from flytekit.core.type_engine import TypeEngine
        from flytekit.models import execution, literals
        plan = remote.fetch_launch_plan(name="${plan}")
        values = {key: TypeEngine.to_literal(FlyteContextManager.current_context(), value, type(value),
          TypeEngine.to_literal_type(type(value))) for key, value in ${inputs}.items()}
        metadata = execution.ExecutionMetadata(execution.ExecutionMetadata.ExecutionMode.MANUAL, "placeholder", 0)
        try:
          remote.client.create_execution("flytesnacks", "development", "",
            execution.ExecutionSpec(plan.id, metadata, notifications=execution.NotificationList([])),
            literals.LiteralMap(values))
          result = "accepted"
        except Exception as error:
          result = type(error).__name__ + ": " + str(error)
      `);
      return String(said);
    };
    const refusals = {
      a: await refusal("plans.product", "{'b': 1}"),
      c: await refusal("plans.product", "{'a': 1, 'b': 1, 'c': 1}"),
      b: await refusal("plans.product", "{'a': 1, 'b': 'one'}"),
      fixed: await refusal("plans.with_fixed", "{'a': 1, 'b': 1}"),
    };
    for (const said of Object.values(refusals)) expect(said).toContain("FlyteInvalidInputException");
    expect(refusals.a).toMatch(/\ba\b/);
    expect(refusals.c).toMatch(/\bc\b/);
    expect(refusals.b).toMatch(/\bb\b/);
    expect(refusals.fixed).toMatch(/\bb\b/);
  });

  test("C3.29 FlyteRemote syncs inputs, outputs and nodes", async () => {
    const name = await clients.launch("line_fit.height", { x: X, y: Y });
    await untilOver(admin, name);
    const remote = await clients.remote();
    const seen = await remote.run(`
      run = remote.sync_execution(remote.fetch_execution(name="${name}"), sync_nodes=True)
      result = {
        "x": run.inputs.get("x"), "o0": run.outputs.get("o0", as_type=float), "done": run.is_done,
        "nodes": sorted(run.node_executions),
        "slope": run.node_executions["n0"].outputs.get("o0", as_type=float),
        "attempts": [len(node.task_executions) for key, node in sorted(run.node_executions.items())],
      }
    `);
    expect(seen).toEqual({
      x: X,
      o0: 3,
      done: true,
      nodes: ["end-node", "n0", "n1", "start-node"],
      slope: -1.5,
      attempts: [0, 1, 1, 0],
    });
  });

  test("a task sees nothing of the server that runs it", async () => {
    const name = await clients.launch("surroundings.looking");
    const { o0 } = await outputsWhenOver(admin, name);
    const { env, descriptors, execution } = JSON.parse(String(o0)) as {
      env: Record<string, string>;
      descriptors: string[];
      execution: string[];
    };
    expect(execution).toEqual([TEST_TENANT.project, TEST_TENANT.domain, name]);
    const everything = JSON.stringify([env, descriptors]);
    for (const secret of [skein.secretKey, skein.database.url, skein.redis?.url ?? "redis://"]) {
      expect(everything).not.toContain(secret);
    }
    expect(Object.keys(env).filter((key) => /^SKEIN_|^DATABASE_URL$|^REDIS_URL$/.test(key))).toEqual(["SKEIN_ATTEMPT"]);
    expect(descriptors.filter((target) => /skein-test.*\.log|postmaster|redis/.test(target))).toEqual([]);
    const servers = [...skein.apis, ...skein.schedulers, ...skein.agents].flatMap((server) => openFiles(server.pid()));
    // Python makes sockets of its own; none may be one that a server holds.
    expect(descriptors.filter((target) => target.startsWith("socket:") && servers.includes(target))).toEqual([]);
    expect(env).toMatchObject({ FLYTE_INTERNAL_EXECUTION_ID: name, FLYTE_ATTEMPT_NUMBER: "0" });
  });
});
