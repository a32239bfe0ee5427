import { clone, create } from "@bufbuild/protobuf";
import { fromBytes, toBytes } from "@skein/idl";
import {
  CreateWorkflowFailureReasonSchema,
  LaunchPlanState,
  NamedEntityState,
  Project_ProjectState,
  TaskCreateRequestSchema,
  WorkflowCreateRequestSchema,
} from "@skein/idl/admin";
import { ResourceType, TaskTemplateSchema } from "@skein/idl/core";
import {
  bindTo,
  chainOf,
  commandTask,
  echoTask,
  integerInputs,
  integerInterface,
  launchPlanOf,
  TEST_TENANT,
  taskNode,
  testId,
  workflowOf,
} from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OpenTestAdmin, openTestAdmin, rejection } from "./test-admin.ts";

let open: OpenTestAdmin;
beforeAll(async () => {
  open = await openTestAdmin();
});
afterAll(() => open.close());

const newestFirst = { sortBy: { key: "created_at" } };

describe("tasks", () => {
  test("are stored under the request's id and read back whole", async () => {
    const request = echoTask("read-back");
    if (request.spec?.template) request.spec.template.id = testId(ResourceType.TASK, "another-name");
    await open.admin.createTask(request);
    const task = await open.admin.getTask({ id: testId(ResourceType.TASK, "read-back") });
    expect(task.closure?.compiledTask?.template?.id?.name).toBe("read-back");
    expect(task.closure?.createdAt).toBeDefined();
  });

  test("keep fields that this server does not know", async () => {
    const request = echoTask("unknown-fields");
    // Field 900, a varint: from a client that is newer than we are.
    const unknown = new Uint8Array([0xa0, 0x38, 0x2a]);
    const template = request.spec?.template;
    if (request.spec && template) {
      const bytes = Buffer.concat([toBytes(TaskTemplateSchema, template), unknown]);
      request.spec.template = fromBytes(TaskTemplateSchema, bytes);
    }
    await open.admin.createTask(request);
    const task = await open.admin.getTask({ id: request.id });
    expect(task.closure?.compiledTask?.template?.$unknown).toHaveLength(1);
  });

  test("exist already when they are sent again, and are refused with a diff when they changed", async () => {
    await open.admin.createTask(commandTask("twice", ["one"]));
    expect((await rejection(open.admin.createTask(commandTask("twice", ["one"])))).code).toBe("already_exists");
    const error = await rejection(open.admin.createTask(commandTask("twice", ["two"])));
    expect(error.code).toBe("invalid_argument");
    expect(error.message).toMatch(/- .*one[\s\S]*\+ .*two/);
  });

  test("may be registered by many at once: one wins, the others hear that it exists", async () => {
    const answers = await Promise.allSettled(
      Array.from({ length: 12 }, () => open.admin.createTask(echoTask("crowded"))),
    );
    expect(answers.filter((answer) => answer.status === "fulfilled")).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status === "rejected") expect(answer.reason).toMatchObject({ code: "already_exists" });
    }
  });

  test("are listed newest first, page by page, without a gap or a double", async () => {
    for (const version of ["a", "b", "c", "d", "e"]) await open.admin.createTask(echoTask("paged", version));
    const seen: (string | undefined)[] = [];
    let token = "";
    do {
      const page = await open.admin.listTasks({
        id: { ...TEST_TENANT, name: "paged" },
        limit: 2,
        token,
        ...newestFirst,
      });
      seen.push(...page.tasks.map((task) => task.id?.version));
      token = page.token;
    } while (token !== "");
    expect(seen).toEqual(["e", "d", "c", "b", "a"]);
    const one = await open.admin.listTasks({ id: TEST_TENANT, limit: 10, filters: "eq(version,c)" });
    expect(one.tasks.map((task) => task.id?.name)).toEqual(["paged"]);
  });
});

describe("workflows", () => {
  test("are compiled: start and end nodes, every task, and a slim form in lists", async () => {
    await open.admin.createTask(echoTask("step"));
    const request = chainOf("compiled", echoTask("step"), 2);
    await open.admin.createWorkflow(request);
    const workflow = await open.admin.getWorkflow({ id: request.id });
    const compiled = workflow.closure?.compiledWorkflow;
    const nodes = compiled?.primary?.template?.nodes.map((node) => node.id) ?? [];
    expect(nodes.sort()).toEqual(["end-node", "n0", "n1", "start-node"]);
    expect(compiled?.tasks.map((task) => task.template?.id?.name)).toEqual(["step"]);
    const list = await open.admin.listWorkflows({ id: { ...TEST_TENANT, name: "compiled" }, limit: 1 });
    const slim = list.workflows[0]?.closure?.compiledWorkflow?.primary?.template;
    expect(slim?.nodes).toEqual([]);
    expect(slim?.interface?.inputs?.variables.x).toBeDefined();
  });

  test("say in a detail whether an existing version is the same or another", async () => {
    const request = chainOf("conflict", echoTask("step"), 2);
    await open.admin.createWorkflow(request);
    const reasonOf = async (again: typeof request) => {
      const error = await rejection(open.admin.createWorkflow(again));
      const detail = error.protoDetails[0];
      const reason = detail && fromBytes(CreateWorkflowFailureReasonSchema, detail.value).reason;
      return { code: error.code, message: error.message, reason: reason?.case };
    };
    expect(await reasonOf(clone(WorkflowCreateRequestSchema, request))).toMatchObject({
      code: "already_exists",
      reason: "existsIdenticalStructure",
    });
    expect(await reasonOf(chainOf("conflict", echoTask("step"), 3))).toMatchObject({
      code: "invalid_argument",
      reason: "existsDifferentStructure",
      message: expect.stringContaining("\t+ "),
    });
  });

  test("are refused with every problem at once", async () => {
    const step = echoTask("step");
    const request = workflowOf(
      "broken",
      [taskNode("a", step, [bindTo("x", "nowhere", "x")]), taskNode("b", step, [bindTo("y", "", "x")])],
      integerInterface(["x"], []),
    );
    const error = await rejection(open.admin.createWorkflow(request));
    expect(error.code).toBe("invalid_argument");
    expect(error.message).toContain("failed to compile workflow");
    expect(error.message).toContain("Node Id: a");
    expect(error.message).toContain("Node Id: b");
  });

  test("name what is not registered", async () => {
    const request = chainOf("needs-more", echoTask("never-registered"), 1);
    const error = await rejection(open.admin.createWorkflow(request));
    expect(error.message).toContain("task flytesnacks:development:never-registered:v1");
  });
});

describe("launch plans", () => {
  const workflow = chainOf("planned", echoTask("step"), 1);
  beforeAll(async () => {
    await open.admin.createWorkflow(workflow);
    for (const version of ["v1", "v2"]) {
      const plan = launchPlanOf(workflow);
      await open.admin.createLaunchPlan({ ...plan, id: testId(ResourceType.LAUNCH_PLAN, "planned", version) });
    }
  });

  test("list every input of the workflow as a parameter", async () => {
    const plan = await open.admin.getLaunchPlan({ id: testId(ResourceType.LAUNCH_PLAN, "planned") });
    expect(plan.spec?.defaultInputs?.parameters.x?.behavior).toEqual({ case: "required", value: true });
    expect(plan.closure?.expectedInputs?.parameters.x?.behavior).toEqual({ case: "required", value: true });
    expect(plan.closure?.expectedOutputs?.variables.x).toBeDefined();
    expect(plan.closure?.state).toBe(LaunchPlanState.INACTIVE);
  });

  test("have one active version, whoever activates at once", async () => {
    const name = { ...TEST_TENANT, name: "planned" };
    expect((await rejection(open.admin.getActiveLaunchPlan({ id: name }))).code).toBe("not_found");
    const activate = (version: string) =>
      open.admin.updateLaunchPlan({
        id: testId(ResourceType.LAUNCH_PLAN, "planned", version),
        state: LaunchPlanState.ACTIVE,
      });
    await Promise.all(["v1", "v2", "v1", "v2", "v1", "v2"].map(activate));
    await activate("v2");
    expect((await open.admin.getActiveLaunchPlan({ id: name })).id?.version).toBe("v2");
    const active = await open.admin.listActiveLaunchPlans({ ...TEST_TENANT, limit: 10 });
    expect(active.launchPlans.map((plan) => plan.id?.version)).toEqual(["v2"]);
    const before = await open.admin.getLaunchPlan({ id: testId(ResourceType.LAUNCH_PLAN, "planned", "v1") });
    expect(before.closure?.state).toBe(LaunchPlanState.INACTIVE);
  });

  test("are found by their workflow's name", async () => {
    const list = await open.admin.listLaunchPlans({ id: TEST_TENANT, limit: 10, filters: "eq(workflow.name,planned)" });
    expect(list.launchPlans).toHaveLength(2);
    const none = await open.admin.listLaunchPlans({ id: TEST_TENANT, limit: 10, filters: "eq(workflow.name,other)" });
    expect(none.launchPlans).toEqual([]);
  });

  test("keep fixed inputs out of reach and merge them at launch", async () => {
    const plan = launchPlanOf(workflow, { fixedInputs: integerInputs({ x: 3 }) });
    const id = testId(ResourceType.LAUNCH_PLAN, "fixed");
    await open.admin.createLaunchPlan({ ...plan, id });
    const launched = await open.admin.createExecution({ ...TEST_TENANT, spec: { launchPlan: id } });
    const data = await open.admin.getExecutionData({ id: launched.id });
    expect(data.fullInputs?.literals.x).toBeDefined();
    const override = open.admin.createExecution({
      ...TEST_TENANT,
      spec: { launchPlan: id },
      inputs: integerInputs({ x: 4 }),
    });
    expect((await rejection(override)).message).toContain('"x"');
  });
});

describe("names", () => {
  test("carry a description and a state of their own", async () => {
    await open.admin.createTask(echoTask("described"));
    const id = { ...TEST_TENANT, name: "described" };
    const metadata = { description: "What it does", state: NamedEntityState.NAMED_ENTITY_ARCHIVED };
    await open.admin.updateNamedEntity({ resourceType: ResourceType.TASK, id, metadata });
    const entity = await open.admin.getNamedEntity({ resourceType: ResourceType.TASK, id });
    expect(entity.metadata).toMatchObject(metadata);
    const archived = await open.admin.listNamedEntities({
      ...TEST_TENANT,
      resourceType: ResourceType.TASK,
      limit: 10,
      filters: "eq(state,1)",
    });
    expect(archived.entities.map((found) => found.id?.name)).toEqual(["described"]);
    const ids = await open.admin.listTaskIds({ ...TEST_TENANT, limit: 100 });
    expect(ids.entities.map((found) => found.name)).toContain("described");
  });

  test("have the documentation that was sent with a version", async () => {
    const request = clone(TaskCreateRequestSchema, echoTask("documented"));
    const described = create(TaskCreateRequestSchema, { spec: { description: { shortDescription: "Short" } } });
    if (request.spec && described.spec?.description) request.spec.description = described.spec.description;
    await open.admin.createTask(request);
    const entity = await open.admin.getDescriptionEntity({ id: request.id });
    expect(entity.shortDescription).toBe("Short");
    expect((await open.admin.getTask({ id: request.id })).shortDescription).toBe("Short");
    const none = open.admin.getDescriptionEntity({ id: testId(ResourceType.TASK, "described") });
    expect((await rejection(none)).code).toBe("not_found");
  });
});

describe("projects", () => {
  test("are registered, changed field by field, and listed with their domains", async () => {
    await open.admin.registerProject({ project: { id: "geese", name: "Geese", description: "A flock" } });
    await open.admin.updateProject({ id: "geese", name: "Many geese" });
    const project = await open.admin.getProject({ id: "geese" });
    expect(project).toMatchObject({ name: "Many geese", description: "A flock" });
    expect(project.domains.map((domain) => domain.id)).toEqual(["development", "production", "staging"]);
    expect((await rejection(open.admin.registerProject({ project: { id: "geese" } }))).code).toBe("already_exists");
    const list = await open.admin.listProjects({ filters: "eq(identifier,geese)", limit: 1 });
    expect(list.projects.map(({ id }) => id)).toEqual(["geese"]);
  });

  test("refuse new things while they are archived, with a detail", async () => {
    await open.admin.registerProject({ project: { id: "closed" } });
    await open.admin.updateProject({ id: "closed", state: Project_ProjectState.ARCHIVED });
    const id = { ...testId(ResourceType.TASK, "late"), project: "closed" };
    const error = await rejection(open.admin.createTask({ ...echoTask("late"), id }));
    expect(error.protoDetails.map((detail) => detail.typeName)).toEqual(["flyteidl.admin.InactiveProject"]);
    const launchPlan = testId(ResourceType.LAUNCH_PLAN, "fixed");
    const launch = open.admin.createExecution({ project: "closed", domain: "development", spec: { launchPlan } });
    expect((await rejection(launch)).protoDetails).toHaveLength(1);
    expect((await open.admin.listProjects({})).projects.map((project) => project.id)).not.toContain("closed");
    await open.admin.updateProject({ id: "closed", state: Project_ProjectState.ACTIVE });
    await open.admin.createTask({ ...echoTask("late"), id });
  });
});
