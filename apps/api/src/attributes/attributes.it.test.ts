import { MatchableResource } from "@skein/idl/admin";
import { ResourceType } from "@skein/idl/core";
import { chainOf, echoTask, integerInputs, launchPlanOf, TEST_TENANT, testId } from "@skein/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type OpenTestAdmin, openTestAdmin, rejection } from "../flyte1/test-admin.ts";

let open: OpenTestAdmin;
beforeAll(async () => {
  open = await openTestAdmin();
  const task = echoTask("echo");
  const workflow = chainOf("chain", task, 1);
  await open.admin.createTask(task);
  await open.admin.createWorkflow(workflow);
  await open.admin.createLaunchPlan(launchPlanOf(workflow));
});
afterAll(() => open.close());
beforeEach(async () => {
  await open.pool.query("delete from attributes");
  open.services.policies.forget(TEST_TENANT.project);
});

const { project } = TEST_TENANT;
const IN_WORKFLOW = { ...TEST_TENANT, workflow: "chain" };
const { EXECUTION_CLUSTER_LABEL, PLUGIN_OVERRIDE, QUALITY_OF_SERVICE_SPECIFICATION, WORKFLOW_EXECUTION_CONFIG } =
  MatchableResource;

const label = (value: string) => ({
  target: { case: "executionClusterLabel" as const, value: { value } },
});
const config = (value: object) => ({ target: { case: "workflowExecutionConfig" as const, value } });
const forProject = (matchingAttributes: object) =>
  open.admin.updateProjectAttributes({ attributes: { project, matchingAttributes } });
const forDomain = (matchingAttributes: object) =>
  open.admin.updateProjectDomainAttributes({ attributes: { ...TEST_TENANT, matchingAttributes } });
const forWorkflow = (matchingAttributes: object) =>
  open.admin.updateWorkflowAttributes({ attributes: { ...IN_WORKFLOW, matchingAttributes } });
const launch = (spec: object = {}) =>
  open.admin.createExecution({
    ...TEST_TENANT,
    spec: { launchPlan: testId(ResourceType.LAUNCH_PLAN, "chain"), ...spec },
    inputs: integerInputs({ x: 7 }),
  });
const launched = async (spec: object = {}) => open.admin.getExecution({ id: (await launch(spec)).id });
const poolOf = async (spec: object = {}): Promise<string> => {
  const { id } = await launch(spec);
  const { rows } = await open.pool.query<{ pool: string }>("select pool from runs where name = $1", [id?.name]);
  return rows[0]?.pool ?? "";
};

describe("attributes", () => {
  test("are found where they were set and below, until they are deleted", async () => {
    const ask = { resourceType: EXECUTION_CLUSTER_LABEL };
    await forProject(label("wide"));
    await forDomain(label("narrow"));
    const ofProject = await open.admin.getProjectAttributes({ project, ...ask });
    expect(ofProject.attributes).toMatchObject({ project, matchingAttributes: label("wide") });
    const ofWorkflow = () => open.admin.getWorkflowAttributes({ ...IN_WORKFLOW, ...ask });
    expect((await ofWorkflow()).attributes).toMatchObject({ ...TEST_TENANT, matchingAttributes: label("narrow") });
    await open.admin.deleteProjectDomainAttributes({ ...TEST_TENANT, ...ask });
    expect((await ofWorkflow()).attributes).toMatchObject({ project, domain: "", matchingAttributes: label("wide") });
    await open.admin.deleteProjectAttributes({ project, ...ask });
    await open.admin.deleteProjectAttributes({ project, ...ask });
    expect((await rejection(ofWorkflow())).code).toBe("not_found");
    expect((await rejection(open.admin.getProjectAttributes({ project, ...ask }))).code).toBe("not_found");
  });

  test("of a type are listed from the narrowest scope to the widest", async () => {
    await forProject(label("wide"));
    await forWorkflow(label("narrow"));
    await forDomain(config({ maxParallelism: 3 }));
    const { configurations } = await open.admin.listMatchableAttributes({ resourceType: EXECUTION_CLUSTER_LABEL });
    expect(configurations).toMatchObject([
      { ...IN_WORKFLOW, attributes: label("narrow") },
      { project, domain: "", workflow: "", attributes: label("wide") },
    ]);
  });

  test("are replaced as a whole; overrides of plugins are added by task type", async () => {
    await forDomain(config({ maxParallelism: 3 }));
    await forDomain(config({ overwriteCache: true }));
    const set = await open.admin.getProjectDomainAttributes({
      ...TEST_TENANT,
      resourceType: WORKFLOW_EXECUTION_CONFIG,
    });
    expect(set.attributes?.matchingAttributes).toMatchObject(config({ maxParallelism: 0, overwriteCache: true }));

    const plugins = (...overrides: object[]) => ({ target: { case: "pluginOverrides", value: { overrides } } });
    await forDomain(plugins({ taskType: "spark", pluginId: ["a"] }, { taskType: "sql", pluginId: ["b"] }));
    await forDomain(plugins({ taskType: "spark", pluginId: ["c"] }));
    const added = await open.admin.getProjectDomainAttributes({ ...TEST_TENANT, resourceType: PLUGIN_OVERRIDE });
    expect(added.attributes?.matchingAttributes).toMatchObject(
      plugins({ taskType: "spark", pluginId: ["c"] }, { taskType: "sql", pluginId: ["b"] }),
    );
  });

  test("of a project are completed by the server's own where they are defaults of runs", async () => {
    const ask = { project, resourceType: WORKFLOW_EXECUTION_CONFIG };
    expect((await open.admin.getProjectAttributes(ask)).attributes?.matchingAttributes).toMatchObject(config({}));
    await forProject(config({ overwriteCache: true }));
    expect((await open.admin.getProjectAttributes(ask)).attributes?.matchingAttributes).toMatchObject(
      config({ overwriteCache: true }),
    );
  });

  test.each([
    ["nothing", {}, /matching_attributes/],
    ["a pool that cannot be", label("a:b"), /execution_cluster_label\.value/],
    [
      "an amount that is none",
      { target: { case: "taskResourceAttributes", value: { defaults: { cpu: "much" } } } },
      /task_resource_attributes\.defaults\.cpu/,
    ],
    [
      "defaults above their limits",
      { target: { case: "taskResourceAttributes", value: { defaults: { memory: "2Gi" }, limits: { memory: "1Gi" } } } },
      /task_resource_attributes\.defaults/,
    ],
    [
      "raw outputs in a foreign place",
      config({ rawOutputDataConfig: { outputLocationPrefix: "s3://elsewhere" } }),
      /raw_output_data_config/,
    ],
    [
      "an urgency that is none",
      config({ annotations: { values: { "skein.dev/priority": "high" } } }),
      /skein\.dev\/priority/,
    ],
    [
      "a value that would be more than one in a template",
      { target: { case: "clusterResourceAttributes", value: { attributes: { quota: "1\n---\nkind: ClusterRole" } } } },
      /cluster_resource_attributes/,
    ],
  ])("with %s are refused", async (_what, attributes, named) => {
    const error = await rejection(forDomain(attributes));
    expect(error.code).toBe("invalid_argument");
    expect(error.message).toMatch(named);
  });

  test("of what does not exist are refused, not missing", async () => {
    const ask = { ...TEST_TENANT, resourceType: EXECUTION_CLUSTER_LABEL };
    expect((await rejection(open.admin.getProjectDomainAttributes({ ...ask, project: "nowhere" }))).code).toBe(
      "invalid_argument",
    );
    expect((await rejection(open.admin.getProjectDomainAttributes({ ...ask, domain: "never" }))).code).toBe(
      "invalid_argument",
    );
  });
});

describe("a run", () => {
  test("is started with what is set for its workflow, its domain and its project", async () => {
    await forProject(config({ maxParallelism: 9, labels: { values: { team: "geese" } } }));
    await forDomain(config({ maxParallelism: 4, envs: { values: [{ key: "A", value: "1" }] } }));
    await forWorkflow(config({ securityContext: { runAs: { k8sServiceAccount: "sa" } } }));
    const { spec } = await launched({ annotations: { values: { own: "1" } } });
    expect(spec).toMatchObject({
      maxParallelism: 4,
      labels: { values: { team: "geese" } },
      annotations: { values: { own: "1" } },
      envs: { values: [{ key: "A", value: "1" }] },
      securityContext: { runAs: { k8sServiceAccount: "sa" } },
    });
    expect((await launched({ maxParallelism: 2 })).spec?.maxParallelism).toBe(2);
  });

  test("has the labels of its project, and is found by them", async () => {
    const labels = { values: { owner: "barnacle" } };
    await open.admin.updateProject({ id: project, labels });
    open.services.policies.forget(project);
    const { id, spec } = await launched();
    await open.admin.updateProject({ id: project, labels: { values: {} } });
    expect(spec?.labels).toMatchObject(labels);
    const { rows } = await open.pool.query("select tag, value from run_tags join runs on id = run_id where name = $1", [
      id?.name,
    ]);
    expect(rows).toEqual([{ tag: "owner", value: "barnacle" }]);
  });

  test("goes to the pool of its label or its assignment, and to no other one than it is bound to", async () => {
    expect(await poolOf()).toBe("");
    expect(await poolOf({ executionClusterLabel: { value: "spot" } })).toBe("spot");
    await forDomain(label("gpu"));
    expect(await poolOf()).toBe("gpu");
    await forProject({ target: { case: "clusterAssignment", value: { clusterPoolName: "bound" } } });
    expect(await poolOf()).toBe("bound");
    const error = await rejection(launch({ clusterAssignment: { clusterPoolName: "other" } }));
    expect(error).toMatchObject({ code: "invalid_argument", message: expect.stringContaining("bound") });
  });

  test("may wait for an agent as long as its quality of service says", async () => {
    const qualityOfService = { designation: { case: "spec" as const, value: { queueingBudget: { seconds: 90n } } } };
    await forDomain({ target: { case: "qualityOfService", value: qualityOfService } });
    const found = await open.admin.getProjectDomainAttributes({
      ...TEST_TENANT,
      resourceType: QUALITY_OF_SERVICE_SPECIFICATION,
    });
    expect(found.attributes?.matchingAttributes?.target.case).toBe("qualityOfService");
    const { id, spec } = await launched();
    expect(spec?.qualityOfService).toMatchObject(qualityOfService);
    const { rows } = await open.pool.query("select queue_timeout_ms::int as wait from runs where name = $1", [
      id?.name,
    ]);
    expect(rows).toEqual([{ wait: 90_000 }]);
  });
});
