import type { Literal, LiteralMap, NodeExecution_Phase } from "@skein/idl/core";
import { type AdminClient, outputsOf, TEST_TENANT, untilOver } from "@skein/testing";

/** A literal as a JavaScript value; int64 as bigint. For the shapes that the test workflows use. */
export function plainValue(literal: Literal): unknown {
  const { value } = literal;
  if (value.case === "collection") return value.value.literals.map(plainValue);
  if (value.case === "map") return plainValues(value.value);
  if (value.case !== "scalar") return undefined;
  const scalar = value.value.value;
  return scalar.case === "primitive" ? scalar.value.value.value : scalar.case;
}

/** All values of a literal map by name. */
export const plainValues = (map: LiteralMap | undefined): Record<string, unknown> =>
  Object.fromEntries(Object.entries(map?.literals ?? {}).map(([name, literal]) => [name, plainValue(literal)]));

/** The outputs of a run once it is over. */
export async function outputsWhenOver(admin: AdminClient, name: string): Promise<Record<string, unknown>> {
  await untilOver(admin, name);
  return plainValues(await outputsOf(admin, name));
}

/** One line per try of a node. */
export interface SeenAttempt {
  readonly attempt: number;
  readonly phase: number;
  readonly error: { readonly code: string; readonly message: string; readonly kind: number } | undefined;
}

/** Every attempt of one node of a run, oldest first. */
export async function attemptsOf(admin: AdminClient, run: string, nodeId: string): Promise<SeenAttempt[]> {
  const { taskExecutions } = await admin.listTaskExecutions({
    nodeExecutionId: { nodeId, executionId: { ...TEST_TENANT, name: run } },
    limit: 100,
  });
  return taskExecutions
    .map(({ id, closure }) => ({
      attempt: id?.retryAttempt ?? -1,
      phase: closure?.phase ?? 0,
      error: closure?.outputResult.case === "error" ? closure.outputResult.value : undefined,
    }))
    .sort((one, other) => one.attempt - other.attempt);
}

/** Top-level nodes of a run with their phases. */
export async function nodePhases(admin: AdminClient, run: string): Promise<Record<string, NodeExecution_Phase>> {
  const { nodeExecutions } = await admin.listNodeExecutions({
    workflowExecutionId: { ...TEST_TENANT, name: run },
    limit: 100,
  });
  return Object.fromEntries(nodeExecutions.map(({ id, closure }) => [id?.nodeId ?? "", closure?.phase ?? 0]));
}
