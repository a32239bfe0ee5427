import type { ActionRow } from "@skein/db";
import { isTerminalAction } from "@skein/engine";
import { CatalogCacheStatus } from "@skein/idl/core";
import type { ActionId } from "../runs/action-service.ts";
import type { Services } from "../services.ts";
import type { AdminHandlers } from "./admin-handlers.ts";
import { actionFolder, flyteUrls, outputUri } from "./artifact-uris.ts";
import { toExecutionError } from "./execution-error.ts";
import { toData } from "./execution-handlers.ts";
import { NODE_EXECUTION_FIELDS } from "./filters/fields.ts";
import { nextToken, readListRequest } from "./filters/list-request.ts";
import { nodeIdentifier, readActionId, readRunId } from "./identifiers.ts";
import { toMoments } from "./moments.ts";
import { ACTION_PHASE } from "./phases.ts";

/** Node executions: our actions. GetDynamicNodeWorkflow is absent and answers UNIMPLEMENTED. */
export const nodeExecutionHandlers = (services: Services): AdminHandlers => {
  const { actions } = services;
  return {
    async getNodeExecution(request, call) {
      const id = readActionId(request.id);
      return toNodeExecution(services, id, await actions.get(call, id), false);
    },

    async listNodeExecutions(request, call) {
      const run = readRunId(request.workflowExecutionId, "workflow_execution_id");
      const query = readListRequest(NODE_EXECUTION_FIELDS, request);
      const rows = await actions.list(call, run, request.uniqueParentId || undefined, query);
      return {
        nodeExecutions: rows.map((row) => toNodeExecution(services, { ...run, action: row.name }, row, true)),
        token: nextToken(query, rows.length),
      };
    },

    /** A task's own nodes exist only for dynamic tasks of old clients. */
    listNodeExecutionsForTask: async () => ({ nodeExecutions: [], token: "" }),

    async getNodeExecutionData(request, call) {
      const id = readActionId(request.id);
      const [action, data] = await Promise.all([actions.get(call, id), actions.data(call, id)]);
      return { ...toData(data), flyteUrls: flyteUrls(id, undefined, action.deckUri !== null) };
    },
  };
};

function toNodeExecution(services: Services, id: ActionId, action: ActionRow, isListed: boolean) {
  return {
    id: nodeIdentifier(id),
    inputUri: actionFolder(services, id, "inputs.pb"),
    closure: {
      phase: ACTION_PHASE[action.phase],
      outputResult: toOutputResult(services, id, action, isListed),
      ...toMoments(action),
      deckUri: action.deckUri ?? "",
      ...(action.kind === "task"
        ? {
            targetMetadata: {
              case: "taskNodeMetadata" as const,
              value: { cacheStatus: CatalogCacheStatus.CACHE_DISABLED },
            },
          }
        : {}),
    },
    metadata: {
      specNodeId: action.specNodeId,
      isParentNode: action.kind === "workflow",
      retryGroup: action.attempts > 0 ? String(action.attempts - 1) : "",
    },
  };
}

function toOutputResult(services: Services, id: ActionId, action: ActionRow, isListed: boolean) {
  const error = isTerminalAction(action.phase) ? toExecutionError(action, isListed) : undefined;
  if (error) return { case: "error" as const, value: error };
  if (action.phase !== "succeeded") return { case: undefined };
  return { case: "outputUri" as const, value: outputUri(services, id, action) };
}
