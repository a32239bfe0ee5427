import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { MatchableResource } from "@skein/idl/admin";
import {
  Resources_ResourceName as ResourceName,
  ResourcesSchema,
  ResourceType,
  WorkflowExecution_Phase,
} from "@skein/idl/core";
import {
  type AdminClient,
  chainOf,
  commandTask,
  echoTask,
  launch,
  openAdminClient,
  register,
  TEST_TENANT,
  testId,
  untilOver,
  waitFor,
} from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type FlyteClients,
  haveClients,
  openFlyteClients,
  outputsWhenOver,
  type RunningSkein,
  startSkein,
} from "./src/index.ts";

const available = await haveClients();
const { SUCCEEDED } = WorkflowExecution_Phase;

/** Processes keep policies for a second. */
const KNOWN_AFTER_MS = 1_100;

/** What a user writes into the file of `flytectl update`, and one line that its answers must hold. */
const ATTRIBUTES = [
  [
    "task-resource-attribute",
    "defaults:\n  cpu: 100m\n  memory: 50Mi\nlimits:\n  cpu: 500m\n  memory: 1Gi\n",
    "memory: 50Mi",
  ],
  ["cluster-resource-attribute", 'attributes:\n  projectQuotaCpu: "20"\n', 'projectQuotaCpu: "20"'],
  ["execution-queue-attribute", "tags:\n  - slow\n  - other\n", "- slow"],
  ["execution-cluster-label", "value: spot\n", "value: spot"],
  [
    "plugin-override",
    "overrides:\n  - task_type: spark\n    plugin_id:\n      - own\n    missing_plugin_behavior: 1\n",
    "task_type: spark",
  ],
  ["workflow-execution-config", "max_parallelism: 5\n", "max_parallelism: 5"],
] as const;

describe.skipIf(!available)("policies of projects", () => {
  let skein: RunningSkein;
  let clients: FlyteClients;
  let admin: AdminClient;
  let marks: string;

  beforeAll(async () => {
    // The tasks leave marks in files that a sandbox would hide.
    skein = await startSkein({
      ...{ queue: "redis", storage: "file", apis: 1, schedulers: 1, agents: 2, agentPools: ["default", "spot"] },
      env: { SKEIN_ISOLATION: "none", SKEIN_AGENT_CPU: "2" },
    });
    clients = await openFlyteClients(skein);
    admin = openAdminClient(skein.url);
    marks = join(skein.folder, "marks");
    mkdirSync(marks);
    const show = commandTask("policy.show", ["sh", "-c", `echo "A=$A B=$B" > ${marks}/show`]);
    const large = commandTask("policy.large", ["true"]);
    if (large.spec?.template?.target.case === "container") {
      large.spec.template.target.value.resources = create(ResourcesSchema, {
        requests: [{ name: ResourceName.CPU, value: "64" }],
      });
    }
    const echo = echoTask("policy.echo");
    await register(
      admin,
      [show, large, echo],
      [chainOf("policy.showing", show, 1), chainOf("policy.heavy", large, 1), chainOf("policy.chain", echo, 1)],
    );
  });
  afterAll(async () => {
    await clients?.close();
    await skein?.close();
  });

  /** Sets, or takes away, attributes for all of the tenant's runs. */
  const update = async (attribute: string, text: string): Promise<void> => {
    const file = join(clients.folder, `${attribute}.yaml`);
    writeFileSync(file, `project: flytesnacks\ndomain: development\n${text}`);
    const { code, output } = await clients.flytectl("update", attribute, "--attrFile", file, "--force");
    expect(code, output).toBe(0);
  };
  const remove = async (attribute: string): Promise<void> => {
    const { code, output } = await clients.flytectl("delete", attribute);
    expect(code, output).toBe(0);
  };

  test.each(ATTRIBUTES)("C9.81 %s is missing, set, shown, deleted and missing", async (attribute, text, line) => {
    const file = join(clients.folder, `${attribute}-got.yaml`);
    const isMissing = async () => {
      const { code, output } = await clients.flytectl("get", attribute);
      expect(code, output).toBe(1);
      expect(output).toContain("attribute not found");
    };
    await isMissing();
    await update(attribute, text);
    const got = await clients.flytectl("get", attribute, "--attrFile", file);
    expect(got.code, got.output).toBe(0);
    expect(readFileSync(file, "utf8")).toContain(line);
    // What was written can be given back as it is.
    const again = await clients.flytectl("update", attribute, "--attrFile", file, "--force");
    expect(again.output).toContain("No changes detected");
    await remove(attribute);
    await isMissing();
  });

  test("quality of service and assignments, which flytectl does not know, are set by gRPC and read by REST", async () => {
    const set = (matchingAttributes: object) =>
      admin.updateProjectDomainAttributes({ attributes: { ...TEST_TENANT, matchingAttributes } });
    await set({ target: { case: "clusterAssignment", value: { clusterPoolName: "bound" } } });
    await set({
      target: {
        case: "qualityOfService",
        value: { designation: { case: "spec", value: { queueingBudget: { seconds: 90n } } } },
      },
    });
    const read = async (type: string) => {
      const path = `/api/v1/project_domain_attributes/flytesnacks/development?resource_type=${type}`;
      return (await fetch(`${skein.url}${path}`)).json();
    };
    const [assignment, service] = [await read("CLUSTER_ASSIGNMENT"), await read("4")];
    const { QUALITY_OF_SERVICE_SPECIFICATION, CLUSTER_ASSIGNMENT } = MatchableResource;
    for (const resourceType of [QUALITY_OF_SERVICE_SPECIFICATION, CLUSTER_ASSIGNMENT]) {
      await admin.deleteProjectDomainAttributes({ ...TEST_TENANT, resourceType });
    }
    expect(assignment).toMatchObject({
      attributes: { matching_attributes: { cluster_assignment: { cluster_pool_name: "bound" } } },
    });
    expect(service).toMatchObject({
      attributes: { matching_attributes: { quality_of_service: { spec: { queueing_budget: "90s" } } } },
    });
  });

  test("C9.83 variables, tags, labels and an account are a run's, its task's and its list's", async () => {
    const started = await clients.pyflyte(
      ...["run", "--remote", "-p", "flytesnacks", "-d", "development"],
      ...["--envvars", "A=1", "--tags", "t1", "--labels", "x=y", "--service-account", "sa", "--name", "policy-asked"],
      ...["remote-launchplan", "policy.showing"],
    );
    expect(started.code, started.output).toBe(0);
    const run = await untilOver(admin, "policy-asked");
    expect(run.closure?.phase).toBe(SUCCEEDED);
    expect(readFileSync(join(marks, "show"), "utf8")).toBe("A=1 B=\n");
    expect(run.spec).toMatchObject({
      tags: ["t1"],
      labels: { values: { x: "y" } },
      securityContext: { runAs: { k8sServiceAccount: "sa" } },
    });
    const found = async (filters: string) =>
      (await admin.listExecutions({ id: TEST_TENANT, limit: 5, filters })).executions.map(({ id }) => id?.name);
    expect(await found("eq(execution_tag.key,t1)")).toEqual(["policy-asked"]);
    expect(await found("value_in(execution_tag.key,x)+value_in(execution_tag.value,y)")).toEqual(["policy-asked"]);
    expect(await found("eq(execution_tag.key,t2)")).toEqual([]);
  });

  test("what is set for runs of a domain reaches the variables of their tasks", async () => {
    await update("workflow-execution-config", "envs:\n  values:\n    - key: B\n      value: two\n");
    const run = await untilOver(admin, await launch(admin, "policy.showing"));
    await remove("workflow-execution-config");
    expect(run.closure?.phase).toBe(SUCCEEDED);
    expect(readFileSync(join(marks, "show"), "utf8")).toBe("A= B=two\n");
  });

  test("a limit makes a task fit that asks for more, and refuses to register another one like it", async () => {
    await update("task-resource-attribute", "defaults:\n  cpu: 100m\nlimits:\n  cpu: 500m\n");
    const setAtMs = Date.now();
    await waitFor(() => Date.now() - setAtMs > KNOWN_AFTER_MS, { what: "the scheduler to know the policy" });
    const run = await untilOver(admin, await launch(admin, "policy.heavy"));
    expect(run.closure?.phase).toBe(SUCCEEDED);
    const large = commandTask("policy.larger", ["true"]);
    if (large.spec?.template?.target.case === "container") {
      large.spec.template.target.value.resources = create(ResourcesSchema, {
        requests: [{ name: ResourceName.CPU, value: "2" }],
      });
    }
    const refusal = ConnectError.from(await admin.createTask(large).catch((error: unknown) => error));
    await remove("task-resource-attribute");
    expect(refusal.code).toBe(Code.InvalidArgument);
    expect(refusal.message).toContain("500m");
  });

  test("a label sends runs to the agents of its pool, and who asks for another pool is heard first", async () => {
    await update("execution-cluster-label", "value: spot\n");
    const name = await launch(admin, "policy.showing");
    const asked = await admin.createExecution({
      ...{ ...TEST_TENANT, inputs: {} },
      spec: {
        launchPlan: testId(ResourceType.LAUNCH_PLAN, "policy.showing"),
        executionClusterLabel: { value: "nobodys" },
      },
    });
    await remove("execution-cluster-label");
    expect((await untilOver(admin, name)).closure?.phase).toBe(SUCCEEDED);
    const attemptOf = async (run: string) => {
      const { rows } = await skein.database.pool.query<{ agent: string | null; reason: string | null }>(
        "select t.agent_id as agent, waiting_reason as reason from attempts t join runs r on r.id = t.run_id where r.name = $1",
        [run],
      );
      return rows[0];
    };
    expect((await attemptOf(name))?.agent).toBe("agent-1");

    const waiting = asked.id?.name ?? "";
    const isTold = async () => (await attemptOf(waiting))?.reason?.includes("pool nobodys");
    await waitFor(isTold, { timeoutMs: 30_000, what: "the attempt to say that nobody serves its pool" });
    await admin.terminateExecution({ id: { ...TEST_TENANT, name: waiting }, cause: "seen" });
    await untilOver(admin, waiting);
    expect(await outputsWhenOver(admin, await launch(admin, "policy.chain", { x: 3 }))).toEqual({ x: 3n });
  });
});
