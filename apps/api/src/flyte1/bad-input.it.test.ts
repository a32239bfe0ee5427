import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import {
  ExecutionSpecSchema,
  LaunchPlanSpecSchema,
  type LaunchPlanState,
  type TaskSpec,
  TaskSpecSchema,
} from "@skein/idl/admin";
import { type LiteralMapSchema, ResourceType, WorkflowExecution_Phase } from "@skein/idl/core";
import { chainOf, echoTask, integerInputs, launchPlanOf, TEST_TENANT, testId } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type OpenTestAdmin, openTestAdmin, rejection, type TestAdmin } from "./test-admin.ts";

let open: OpenTestAdmin;
const workflow = chainOf("chain", echoTask("echo"), 1);
beforeAll(async () => {
  open = await openTestAdmin();
  await open.admin.createTask(echoTask("echo"));
  await open.admin.createWorkflow(workflow);
  await open.admin.createLaunchPlan(launchPlanOf(workflow));
});
afterAll(() => open.close());

/** A message to be, without its marks. */
type Init<Desc extends DescMessage> = Omit<MessageInitShape<Desc>, "$typeName" | "$unknown">;

type Ask = (admin: TestAdmin) => Promise<unknown>;

const task = (id: Partial<ReturnType<typeof testId>>, spec: TaskSpec | undefined = echoTask("t").spec): Ask => {
  const whole = { ...testId(ResourceType.TASK, "t"), ...id };
  return (admin) => admin.createTask({ id: whole, ...(spec ? { spec } : {}) });
};

const plan = (spec: Init<typeof LaunchPlanSpecSchema>): Ask => {
  const workflowId = testId(ResourceType.WORKFLOW, "chain");
  const id = testId(ResourceType.LAUNCH_PLAN, "bad");
  return (admin) => admin.createLaunchPlan({ id, spec: create(LaunchPlanSpecSchema, { workflowId, ...spec }) });
};

const schedule = (text: string): Ask =>
  plan({
    entityMetadata: {
      schedule: { ScheduleExpression: { case: "cronSchedule", value: { schedule: text } } },
    },
    fixedInputs: integerInputs({ x: 1 }),
  });

const run = (more: {
  name?: string;
  project?: string;
  inputs?: Init<typeof LiteralMapSchema>;
  spec?: Init<typeof ExecutionSpecSchema>;
}): Ask => {
  const launchPlan = testId(ResourceType.LAUNCH_PLAN, "chain");
  const { spec = {}, ...request } = more;
  const whole = create(ExecutionSpecSchema, { launchPlan, ...spec });
  return (admin) => admin.createExecution({ ...TEST_TENANT, inputs: integerInputs({ x: 1 }), ...request, spec: whole });
};

const CASES: readonly (readonly [what: string, code: string, named: RegExp, ask: Ask])[] = [
  ["a task without an id", "invalid_argument", /id is missing/, (admin) => admin.createTask({})],
  ["a task without a project", "invalid_argument", /id\.project/, task({ project: "" })],
  ["a task without a name", "invalid_argument", /id\.name/, task({ name: "" })],
  ["a task without a version", "invalid_argument", /id\.version/, task({ version: "" })],
  ["a task of another kind", "invalid_argument", /resource_type/, task({ resourceType: ResourceType.WORKFLOW })],
  ["a version that is not url-safe", "invalid_argument", /id\.version.*"\/"/, task({ version: "a/b" })],
  ["a name with a NUL", "invalid_argument", /id\.name/, task({ name: "a\u0000b" })],
  ["a name that is too long", "invalid_argument", /id\.name/, task({ name: "x".repeat(300) })],
  ["a project that does not exist", "invalid_argument", /project nowhere/, task({ project: "nowhere" })],
  ["a domain that does not exist", "invalid_argument", /domain moon/, task({ domain: "moon" })],
  ["a task without a template", "invalid_argument", /template/, task({}, create(TaskSpecSchema))],
  [
    "a task without a type",
    "invalid_argument",
    /type/,
    task({}, create(TaskSpecSchema, { template: { interface: {} } })),
  ],
  ["a workflow without a spec", "invalid_argument", /spec/, (admin) => admin.createWorkflow({ id: workflow.id })],
  [
    "a workflow without nodes",
    "invalid_argument",
    /compile/,
    (admin) =>
      admin.createWorkflow({ id: testId(ResourceType.WORKFLOW, "empty"), spec: { template: { interface: {} } } }),
  ],
  ["a launch plan of no workflow", "invalid_argument", /workflow_id/, plan({ workflowId: undefined })],
  [
    "a launch plan of a workflow that does not exist",
    "not_found",
    /workflow.*gone/,
    plan({ workflowId: testId(ResourceType.WORKFLOW, "gone") }),
  ],
  ["a fixed input that is unknown", "invalid_argument", /"y"/, plan({ fixedInputs: integerInputs({ y: 1 }) })],
  ["a schedule with six fields", "invalid_argument", /cron/, schedule("* * * * * *")],
  ["a schedule with a minute 61", "invalid_argument", /cron/, schedule("61 * * * *")],
  ["an empty schedule", "invalid_argument", /cron/, schedule("")],
  [
    "a schedule that leaves an input open",
    "invalid_argument",
    /"x"/,
    plan({
      entityMetadata: { schedule: { ScheduleExpression: { case: "cronSchedule", value: { schedule: "@daily" } } } },
    }),
  ],
  [
    "an unknown launch plan state",
    "invalid_argument",
    /state/,
    (admin) => admin.updateLaunchPlan({ id: testId(ResourceType.LAUNCH_PLAN, "chain"), state: 7 as LaunchPlanState }),
  ],
  ["a run without a spec", "invalid_argument", /spec/, (admin) => admin.createExecution(TEST_TENANT)],
  ["a run without a project", "invalid_argument", /project/, run({ project: "" })],
  ["a run in a project that does not exist", "invalid_argument", /project nowhere/, run({ project: "nowhere" })],
  ["a run of nothing", "invalid_argument", /launch_plan/, run({ spec: { launchPlan: undefined } })],
  [
    "a run of a workflow",
    "invalid_argument",
    /resource_type/,
    run({ spec: { launchPlan: testId(ResourceType.WORKFLOW, "chain") } }),
  ],
  [
    "a run of a launch plan that does not exist",
    "not_found",
    /launch plan/,
    run({ spec: { launchPlan: testId(ResourceType.LAUNCH_PLAN, "gone") } }),
  ],
  ["a run with a name in Greek", "invalid_argument", /name/, run({ name: "αβγ" })],
  ["a run whose name begins with a digit", "invalid_argument", /name/, run({ name: "1abc" })],
  ["a run whose name is too long", "invalid_argument", /name/, run({ name: "a".repeat(64) })],
  ["a run without its input", "invalid_argument", /"x" is missing/, run({ inputs: { literals: {} } })],
  ["a run with an unknown input", "invalid_argument", /"y"/, run({ inputs: integerInputs({ x: 1, y: 2 }) })],
  [
    "a run with an input of the wrong type",
    "invalid_argument",
    /"x" must be int/,
    run({
      inputs: {
        literals: {
          x: {
            value: {
              case: "scalar",
              value: {
                value: { case: "primitive", value: { value: { case: "stringValue", value: "seven" } } },
              },
            },
          },
        },
      },
    }),
  ],
  [
    "a run that notifies about RUNNING",
    "invalid_argument",
    /notifications/,
    run({
      spec: {
        notificationOverrides: {
          case: "notifications",
          value: { notifications: [{ phases: [WorkflowExecution_Phase.RUNNING] }] },
        },
      },
    }),
  ],
  ["a look at no run", "invalid_argument", /id/, (admin) => admin.getExecution({})],
  [
    "a look at a run that does not exist",
    "not_found",
    /nope/,
    (admin) => admin.getExecution({ id: { ...TEST_TENANT, name: "nope" } }),
  ],
  [
    "an abort of a run that does not exist",
    "not_found",
    /nope/,
    (admin) => admin.terminateExecution({ id: { ...TEST_TENANT, name: "nope" } }),
  ],
  ["a list without a limit", "invalid_argument", /limit/, (admin) => admin.listTasks({ id: TEST_TENANT })],
  ["a list of no project", "invalid_argument", /project/, (admin) => admin.listExecutions({ limit: 1 })],
  [
    "a list with a broken token",
    "invalid_argument",
    /token/,
    (admin) => admin.listTasks({ id: TEST_TENANT, limit: 1, token: "x" }),
  ],
  [
    "a list with an unknown sort key",
    "invalid_argument",
    /sort_by/,
    (admin) => admin.listTasks({ id: TEST_TENANT, limit: 1, sortBy: { key: "closure" } }),
  ],
  [
    "names of no kind",
    "invalid_argument",
    /resource_type/,
    (admin) => admin.listNamedEntities({ ...TEST_TENANT, limit: 1 }),
  ],
  ["a project without an id", "invalid_argument", /project\.id/, (admin) => admin.registerProject({ project: {} })],
  [
    "a project with a capital letter",
    "invalid_argument",
    /project\.id/,
    (admin) => admin.registerProject({ project: { id: "Geese" } }),
  ],
  [
    "a project with 17 labels",
    "invalid_argument",
    /labels/,
    (admin) => {
      const values = Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`label-${index}`, "x"]));
      return admin.registerProject({ project: { id: "labelled", labels: { values } } });
    },
  ],
  ["a project that does not exist", "not_found", /nowhere/, (admin) => admin.updateProject({ id: "nowhere" })],
  [
    "attributes that nobody set",
    "not_found",
    /TASK_RESOURCE/,
    (admin) => admin.getProjectDomainAttributes(TEST_TENANT),
  ],
];

test.each(CASES)("%s is refused", async (_what, code, named, ask) => {
  const error = await rejection(ask(open.admin));
  expect(error.code).toBe(code);
  expect(error.message).toMatch(named);
});
