import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ActionRow, MapItemRow } from "@skein/db";
import { ACTION_PHASES } from "@skein/engine";
import { type Identifier, type Node, TaskLog_MessageFormat } from "@skein/idl/core";
import type { Call } from "../call.ts";
import type { MapItems } from "../runs/action-details.ts";
import { type ActionId, attemptNotFound } from "../runs/action-service.ts";
import type { Services } from "../services.ts";
import { actionFolder, logUrl, outputUri } from "./artifact-uris.ts";
import { CACHE_STATUS } from "./cache-status.ts";
import { toExecutionError } from "./execution-error.ts";
import { nodeIdentifier } from "./identifiers.ts";
import { toMoments } from "./moments.ts";
import { ACTION_AS_TASK_PHASE } from "./phases.ts";

/** A map's items in one answer: with their logs they weigh some hundred bytes each, and an answer must stay below 10 MiB. */
const ITEMS_MAX = 5_000;
/** What Flyte calls the tasks and the plugin of its maps. */
const TASK_TYPE = "container_array";
const PLUGIN = "k8s-array";

/** Whether clients are shown the action as a node with one task execution that stands for all its items. */
export const hasMapTask = ({ kind, itemCount }: ActionRow): boolean => kind === "array" && itemCount !== null;

/** Throws unless `attempt` is the only one that a map has. */
export function checkMapAttempt(id: ActionId, attempt: number): void {
  if (attempt !== 0) throw attemptNotFound({ ...id, attempt });
}

/** The one task execution of a map, with its items as external resources. */
export async function toMapTaskExecution(services: Services, call: Call, id: ActionId, action: ActionRow) {
  const { actions } = services;
  const [node, found] = await Promise.all([actions.node(call, action), actions.mapItems(call, action, ITEMS_MAX)]);
  const reason = reasonOf(action, found);
  const taskId = mappedId(node);
  return {
    id: { ...(taskId ? { taskId } : {}), nodeExecutionId: nodeIdentifier(id), retryAttempt: 0 },
    inputUri: actionFolder(services, id, "inputs.pb"),
    isParent: false,
    closure: {
      phase: ACTION_AS_TASK_PHASE[action.phase],
      outputResult: toOutputResult(services, id, action),
      ...toMoments(action),
      reason,
      reasons: [{ occurredAt: timestampFromDate(action.updatedAt), message: reason }],
      taskType: TASK_TYPE,
      metadata: {
        generatedName: `${id.name}-${id.action}-0`,
        pluginIdentifier: PLUGIN,
        externalResources: resourcesOf(services, id, found),
      },
      eventVersion: 1,
    },
  };
}

/** What is mapped: a task, or a launch plan or workflow in the task's place. */
function mappedId(node: Node | undefined): Identifier | undefined {
  const target = node?.target.case === "arrayNode" ? node.target.value.node?.target : undefined;
  const isReference = target?.case === "taskNode" || target?.case === "workflowNode";
  return isReference ? target.value.reference.value : undefined;
}

function toOutputResult(services: Services, id: ActionId, action: ActionRow) {
  const error = toExecutionError(action);
  if (error) return { case: "error" as const, value: error };
  if (action.phase !== "succeeded") return { case: undefined };
  return { case: "outputUri" as const, value: outputUri(services, id, action) };
}

/** `100000 items: 3 failed, 20 running, 99977 not begun`. */
function reasonOf({ itemCount }: ActionRow, { items, counts }: MapItems): string {
  const count = itemCount ?? 0;
  const begun = Object.values(counts).reduce((sum, some) => sum + some, 0);
  const parts = ACTION_PHASES.filter((phase) => counts[phase]).map((phase) => `${counts[phase]} ${phase}`);
  if (begun < count) parts.push(`${count - begun} not begun`);
  const shown = items.length < begun ? `; ${items.length} of them are shown, failed and running ones first` : "";
  return `${count} items${parts.length === 0 ? "" : `: ${parts.join(", ")}`}${shown}`;
}

const resourcesOf = (services: Services, id: ActionId, { items, childRuns }: MapItems) =>
  items.toSorted((a, b) => a.index - b.index).map((item) => resourceOf(services, id, item, childRuns));

function resourceOf(services: Services, id: ActionId, item: MapItemRow, childRuns: MapItems["childRuns"]) {
  const attempt = Math.max(0, item.attempts - 1);
  const hasLog = item.kind === "task" && item.attempts > 0;
  const executionId = childRuns.get(item.ordinal);
  return {
    externalId: `${id.name}-${item.name}-${attempt}`,
    index: item.index,
    retryAttempt: attempt,
    phase: ACTION_AS_TASK_PHASE[item.phase],
    cacheStatus: CACHE_STATUS[item.cacheStatus],
    logs: hasLog ? [logOf(services, { ...id, action: item.name }, item.index, attempt)] : [],
    ...(executionId ? { targetMetadata: { case: "workflowNodeMetadata" as const, value: { executionId } } } : {}),
  };
}

const logOf = (services: Services, id: ActionId, index: number, attempt: number) => ({
  name: `stdout and stderr-${index}`,
  uri: logUrl(services, id, attempt),
  messageFormat: TaskLog_MessageFormat.UNKNOWN,
});
