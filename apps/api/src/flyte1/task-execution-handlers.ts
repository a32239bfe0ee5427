import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ActionRow, AttemptRow } from "@skein/db";
import { invariant, SkeinError } from "@skein/errors";
import type { Identifier } from "@skein/idl/core";
import { TaskLog_MessageFormat } from "@skein/idl/core";
import type { Call } from "../call.ts";
import { entityKey, invalid, readEntityKey } from "../registry/identity.ts";
import type { ActionId, AttemptId } from "../runs/action-service.ts";
import { attemptReason } from "../runs/attempt-reason.ts";
import type { Services } from "../services.ts";
import type { AdminHandlers } from "./admin-handlers.ts";
import { actionFolder, flyteUrls, logUrl } from "./artifact-uris.ts";
import { toData } from "./data-answer.ts";
import { toExecutionError } from "./execution-error.ts";
import { TASK_EXECUTION_FIELDS } from "./filters/fields.ts";
import { nextToken, readListRequest } from "./filters/list-request.ts";
import { nodeIdentifier, readActionId, readAttemptId, taskIdentifier } from "./identifiers.ts";
import { checkMapAttempt, hasMapTask, toMapTaskExecution } from "./map-task-execution.ts";
import { toMoments } from "./moments.ts";
import { attemptPhase } from "./phases.ts";

/** Task executions: our attempts. */
export const taskExecutionHandlers = (services: Services): AdminHandlers => {
  const { actions } = services;
  const findMap = async (call: Call, id: ActionId): Promise<ActionRow | undefined> => {
    const action = await actions.get(call, id);
    return hasMapTask(action) ? action : undefined;
  };
  const reasonOf = async (call: Call, id: ActionId, { attempt }: Try): Promise<string> => {
    const waits = attempt.phase === "queued" ? await services.why.whyAttempt(call, id) : undefined;
    return waits ?? attemptReason(attempt);
  };
  return {
    async getTaskExecution(request, call) {
      const id = readAttemptId(request.id);
      const map = await findMap(call, id);
      if (map) {
        checkMapAttempt(id, id.attempt);
        return toMapTaskExecution(services, call, id, map);
      }
      const found = await actions.getAttempt(call, id);
      checkTask(request.id?.taskId, found.action);
      const taskType = await taskTypeOf(services, call, found.action);
      return toTaskExecution(services, id, { ...found, reason: await reasonOf(call, id, found) }, taskType, false);
    },

    async listTaskExecutions(request, call) {
      const id = readActionId(request.nodeExecutionId, "node_execution_id");
      const query = readListRequest(TASK_EXECUTION_FIELDS, request);
      const map = await findMap(call, id);
      if (map) {
        if (query.where.length > 0) throw invalid("filters", "cannot be used for a map, which has one task execution");
        const only = query.offset === 0 ? [await toMapTaskExecution(services, call, id, map)] : [];
        return { taskExecutions: only, token: "" };
      }
      const found = await actions.listAttempts(call, id, query);
      const rows = await Promise.all(found.map(async (row) => ({ ...row, reason: await reasonOf(call, id, row) })));
      const [first] = rows;
      const taskType = first ? await taskTypeOf(services, call, first.action) : "";
      return {
        taskExecutions: rows.map((row) =>
          toTaskExecution(services, { ...id, attempt: row.attempt.attempt }, row, taskType, true),
        ),
        token: nextToken(query, rows.length),
      };
    },

    async getTaskExecutionData(request, call) {
      const id = readAttemptId(request.id);
      if (await findMap(call, id)) {
        checkMapAttempt(id, id.attempt);
        const data = await toData(services.storage, await actions.data(call, id));
        return { ...data, flyteUrls: flyteUrls(id, undefined, false) };
      }
      const { action, attempt } = await actions.getAttempt(call, id);
      checkTask(request.id?.taskId, action);
      const data = await toData(services.storage, await actions.attemptData(call, id));
      return { ...data, flyteUrls: flyteUrls(id, attempt.attempt, action.deckUri !== null) };
    },
  };
};

interface Try {
  readonly action: ActionRow;
  readonly attempt: AttemptRow;
}
interface ExplainedTry extends Try {
  readonly reason: string;
}

/** The id of a task execution holds the task: another one names nothing. */
function checkTask(asked: Identifier | undefined, action: ActionRow): void {
  if (!asked || asked.name === "" || entityKey(asked) === action.taskKey) return;
  const message = `Action ${action.name} does not run task ${entityKey(asked)} but ${action.taskKey}.`;
  throw new SkeinError("not_found", "attempt_not_found", message);
}

async function taskTypeOf({ registry }: Services, call: Call, action: ActionRow): Promise<string> {
  return action.taskKey === null ? "" : (await registry.tasks.get(call, readEntityKey(action.taskKey))).type;
}

function toTaskExecution(services: Services, id: AttemptId, row: ExplainedTry, taskType: string, isListed: boolean) {
  const { action, attempt, reason } = row;
  invariant(action.taskKey !== null, `attempt of action ${action.name}, which runs no task`);
  const occurredAt = timestampFromDate(attempt.updatedAt);
  return {
    id: { taskId: taskIdentifier(action.taskKey), nodeExecutionId: nodeIdentifier(id), retryAttempt: id.attempt },
    inputUri: actionFolder(services, id, "inputs.pb"),
    isParent: action.isExpanded && attempt.phase === "succeeded",
    closure: {
      phase: attemptPhase(attempt, action),
      outputResult: toOutputResult(services, id, attempt, isListed),
      ...toMoments({ ...attempt, createdAt: attempt.queuedAt }),
      // An echo starts nothing and writes no log.
      logs: taskType === "echo" ? [] : [logOf(services, id)],
      reason,
      reasons: [{ occurredAt, message: reason }],
      taskType,
      metadata: { generatedName: `${id.name}-${id.action}-${id.attempt}`, pluginIdentifier: `skein-${attempt.pool}` },
      eventVersion: 1,
    },
  };
}

const logOf = (services: Services, id: AttemptId) => ({
  name: "stdout and stderr",
  uri: logUrl(services, id, id.attempt),
  messageFormat: TaskLog_MessageFormat.UNKNOWN,
});

function toOutputResult(services: Services, id: AttemptId, attempt: AttemptRow, isListed: boolean) {
  const error = toExecutionError(attempt, isListed);
  if (error) return { case: "error" as const, value: error };
  if (attempt.phase !== "succeeded") return { case: undefined };
  const uri = actionFolder(services, id, String(attempt.attempt), "outputs.pb");
  return { case: "outputUri" as const, value: uri };
}
