import type { ActionField, ActionRow, ListCondition } from "@skein/db";
import { isTerminalAction } from "@skein/engine";
import { SkeinError } from "@skein/errors";
import type { Call } from "../call.ts";
import { nodeCacheMetadata } from "../catalog/node-cache-metadata.ts";
import type { ActionDetails, Expansion } from "../runs/action-details.ts";
import type { ActionId } from "../runs/action-service.ts";
import type { Services } from "../services.ts";
import type { AdminHandlers } from "./admin-handlers.ts";
import { actionFolder, flyteUrls, outputUri } from "./artifact-uris.ts";
import { toData } from "./data-answer.ts";
import { toExecutionError } from "./execution-error.ts";
import { NODE_EXECUTION_FIELDS } from "./filters/fields.ts";
import { nextToken, readListRequest } from "./filters/list-request.ts";
import { nodeIdentifier, readActionId, readRunId } from "./identifiers.ts";
import { toMoments } from "./moments.ts";
import { actionPhase } from "./phases.ts";

/** A map's items that are tasks have no node executions: they are told by the map's one task execution. */
const NO_TASK: ListCondition<ActionField> = { field: "kind", operator: "ne", values: ["task"] };

/** Node executions: our actions. */
export const nodeExecutionHandlers = (services: Services): AdminHandlers => {
  const { actions } = services;
  const isMap = async (call: Call, id: ActionId) => (await actions.get(call, id)).kind === "array";
  return {
    async getNodeExecution(request, call) {
      const id = readActionId(request.id);
      const action = await actions.get(call, id);
      return toNodeExecution(services, id, action, await actions.details(call, [action]), false);
    },

    async listNodeExecutions(request, call) {
      const run = readRunId(request.workflowExecutionId, "workflow_execution_id");
      const query = readListRequest(NODE_EXECUTION_FIELDS, request);
      const parent = request.uniqueParentId || undefined;
      const where =
        parent !== undefined && (await isMap(call, { ...run, action: parent }))
          ? [...query.where, NO_TASK]
          : query.where;
      const rows = await actions.list(call, run, parent, { ...query, where });
      const details = await actions.details(call, rows);
      return {
        nodeExecutions: rows.map((row) => toNodeExecution(services, { ...run, action: row.name }, row, details, true)),
        token: nextToken(query, rows.length),
      };
    },

    /** A task's own nodes exist only for dynamic tasks of old clients. */
    listNodeExecutionsForTask: async () => ({ nodeExecutions: [], token: "" }),

    async getNodeExecutionData(request, call) {
      const id = readActionId(request.id);
      const action = await actions.get(call, id);
      const [data, expansion] = await Promise.all([actions.data(call, id), actions.expansion(call, action)]);
      return {
        ...(await toData(services.storage, data)),
        flyteUrls: flyteUrls(id, undefined, action.deckUri !== null),
        ...(expansion ? { dynamicWorkflow: toDynamicWorkflow(expansion) } : {}),
      };
    },

    async getDynamicNodeWorkflow(request, call) {
      const id = readActionId(request.id);
      const expansion = await actions.expansion(call, await actions.get(call, id));
      if (expansion) return { compiledWorkflow: expansion.compiled };
      const message = `Node ${id.action} of ${id.name} has no workflow of its own: its task has written none.`;
      throw new SkeinError("not_found", "expansion_not_found", message);
    },
  };
};

function toDynamicWorkflow({ compiled, specUri }: Expansion) {
  const id = compiled.primary?.template?.id;
  return { ...(id ? { id } : {}), compiledWorkflow: compiled, dynamicJobSpecUri: specUri };
}

function toNodeExecution(
  services: Services,
  id: ActionId,
  action: ActionRow,
  details: ActionDetails,
  isListed: boolean,
) {
  return {
    id: nodeIdentifier(id),
    inputUri: actionFolder(services, id, "inputs.pb"),
    closure: {
      phase: actionPhase(action),
      outputResult: toOutputResult(services, id, action, isListed),
      ...toMoments(action),
      deckUri: action.deckUri ?? "",
      dynamicJobSpecUri: details.specUris.get(action.ordinal) ?? "",
      targetMetadata: toTargetMetadata(action, details),
    },
    metadata: {
      specNodeId: action.specNodeId,
      isParentNode: action.kind === "workflow" || action.isExpanded,
      isDynamic: action.isExpanded,
      isArray: action.kind === "array",
      retryGroup: action.attempts > 0 ? String(action.attempts - 1) : "",
    },
  };
}

function toTargetMetadata(action: ActionRow, { childRuns, cacheSources }: ActionDetails) {
  const executionId = childRuns.get(action.ordinal);
  if (executionId) return { case: "workflowNodeMetadata" as const, value: { executionId } };
  if (action.kind !== "task") return { case: undefined };
  return { case: "taskNodeMetadata" as const, value: nodeCacheMetadata(action, cacheSources) };
}

function toOutputResult(services: Services, id: ActionId, action: ActionRow, isListed: boolean) {
  const error = isTerminalAction(action.phase) ? toExecutionError(action, isListed) : undefined;
  if (error) return { case: "error" as const, value: error };
  if (action.phase !== "succeeded") return { case: undefined };
  return { case: "outputUri" as const, value: outputUri(services, id, action) };
}
