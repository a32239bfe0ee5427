import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { CatalogCacheStatus, Literal, LiteralMap, NodeExecution_Phase } from "@skein/idl/core";
import { type AdminClient, outputsOf, TEST_TENANT, untilOver } from "@skein/testing";

/** A literal as a JavaScript value; int64 as bigint. For the shapes that the test workflows use. */
export function plainValue(literal: Literal): unknown {
  const { value } = literal;
  if (value.case === "collection") return value.value.literals.map(plainValue);
  if (value.case === "map") return plainValues(value.value);
  if (value.case !== "scalar") return undefined;
  const scalar = value.value.value;
  if (scalar.case === "union") return scalar.value.value && plainValue(scalar.value.value);
  if (scalar.case === "noneType") return null;
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

/** As JSON, for a failed test's message and for searching in it. */
export const shown = (value: unknown): string =>
  JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}` : part));

/** One line per node execution. */
export interface SeenNode {
  readonly id: string;
  /** As the workflow's author sees it. */
  readonly specId: string;
  readonly phase: NodeExecution_Phase;
  readonly isParent: boolean;
  readonly isDynamic: boolean;
  readonly isArray: boolean;
  /** The run that a launch plan node started. */
  readonly childRun: string | undefined;
  readonly startedAtMs: number;
  readonly cacheStatus: CatalogCacheStatus | undefined;
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

/** The parentless nodes of a run, or the children of one of its nodes. */
export async function nodesOf(admin: AdminClient, run: string, uniqueParentId = ""): Promise<SeenNode[]> {
  const { nodeExecutions } = await admin.listNodeExecutions({
    workflowExecutionId: { ...TEST_TENANT, name: run },
    limit: 100,
    uniqueParentId,
  });
  return nodeExecutions.map(({ id, metadata, closure }) => {
    const target = closure?.targetMetadata;
    return {
      id: id?.nodeId ?? "",
      specId: metadata?.specNodeId ?? "",
      phase: closure?.phase ?? 0,
      isParent: metadata?.isParentNode ?? false,
      isDynamic: metadata?.isDynamic ?? false,
      isArray: metadata?.isArray ?? false,
      childRun: target?.case === "workflowNodeMetadata" ? target.value.executionId?.name : undefined,
      startedAtMs: closure?.startedAt === undefined ? Number.NaN : timestampMs(closure.startedAt),
      cacheStatus: target?.case === "taskNodeMetadata" ? target.value.cacheStatus : undefined,
      error: closure?.outputResult.case === "error" ? closure.outputResult.value : undefined,
    };
  });
}
