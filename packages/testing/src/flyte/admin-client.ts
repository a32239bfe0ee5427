import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import type { Execution, TaskCreateRequest, WorkflowCreateRequest } from "@skein/idl/admin";
import { type LiteralMap, ResourceType, WorkflowExecution_Phase } from "@skein/idl/core";
import { AdminService, SignalService } from "@skein/idl/service";
import { waitFor } from "../wait-for.ts";
import { integerScalar, launchPlanOf, TEST_TENANT, testId } from "./specs.ts";

export type AdminClient = Client<typeof AdminService>;

/** A plain gRPC client of AdminService over h2c. */
export const openAdminClient = (url: string): AdminClient =>
  createClient(AdminService, createGrpcTransport({ baseUrl: url, defaultTimeoutMs: 60_000 }));

export type SignalClient = Client<typeof SignalService>;

/** A plain gRPC client of SignalService over h2c. */
export const openSignalClient = (url: string): SignalClient =>
  createClient(SignalService, createGrpcTransport({ baseUrl: url, defaultTimeoutMs: 60_000 }));

/** Registers tasks, then workflows in the given order, each with its default launch plan. */
export async function register(
  admin: AdminClient,
  tasks: readonly TaskCreateRequest[],
  workflows: readonly WorkflowCreateRequest[],
): Promise<void> {
  await Promise.all(tasks.map((task) => admin.createTask(task)));
  for (const workflow of workflows) {
    await admin.createWorkflow(workflow);
    await admin.createLaunchPlan(launchPlanOf(workflow));
  }
}

/** An input map for `launch`, of integers and lists of them. */
export const integerInputs = (values: Readonly<Record<string, number | readonly number[]>>) => ({
  literals: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value: literalOf(value) }])),
});

const literalOf = (value: number | readonly number[]) =>
  typeof value === "number"
    ? integerScalar(value)
    : {
        case: "collection" as const,
        value: { literals: value.map((element) => ({ value: integerScalar(element) })) },
      };

/** Launches a registered workflow's default launch plan and answers the run's name. */
export async function launch(
  admin: AdminClient,
  workflow: string,
  inputs: Readonly<Record<string, number | readonly number[]>> = {},
  options: { readonly name?: string; readonly version?: string } = {},
): Promise<string> {
  const answer = await admin.createExecution({
    ...TEST_TENANT,
    name: options.name ?? "",
    spec: { launchPlan: testId(ResourceType.LAUNCH_PLAN, workflow, options.version), metadata: { principal: "test" } },
    inputs: integerInputs(inputs),
  });
  return answer.id?.name ?? "";
}

const TERMINAL = new Set([
  WorkflowExecution_Phase.SUCCEEDED,
  WorkflowExecution_Phase.FAILED,
  WorkflowExecution_Phase.ABORTED,
  WorkflowExecution_Phase.TIMED_OUT,
]);

/** Polls a run until it is over. */
export const untilOver = (admin: AdminClient, name: string, timeoutMs = 60_000): Promise<Execution> =>
  waitFor(
    async () => {
      const run = await admin.getExecution({ id: { ...TEST_TENANT, name } });
      return TERMINAL.has(run.closure?.phase ?? WorkflowExecution_Phase.UNDEFINED) ? run : undefined;
    },
    { timeoutMs, what: `run ${name} to end` },
  );

/** The run's outputs, whole. */
export async function outputsOf(admin: AdminClient, name: string): Promise<LiteralMap | undefined> {
  const data = await admin.getExecutionData({ id: { ...TEST_TENANT, name } });
  return data.fullOutputs;
}
