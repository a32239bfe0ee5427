import {
  type ActionField,
  type ActionPhaseCounts,
  type ActionRow,
  type AttemptField,
  type AttemptRow,
  countPhases,
  type Db,
  findAction,
  findAttempt,
  findRun,
  findValue,
  type ListQuery,
  listActions,
  listAttempts,
  type NameId,
  type RunRow,
} from "@skein/db";
import { SkeinError } from "@skein/errors";
import type { Storage } from "@skein/storage";
import type { Call } from "../call.ts";
import { checkText } from "../registry/identity.ts";
import { type InputsAndOutputs, readForAnswer } from "../values/readable-values.ts";
import { actionDetails } from "./action-details.ts";
import { findInputs } from "./item-inputs.ts";

/** An action by the names that clients know. */
export interface ActionId extends NameId {
  /** Unique in its run. */
  readonly action: string;
}

export interface AttemptId extends ActionId {
  /** From 0. */
  readonly attempt: number;
}

/** Flyte counts attempts up to 2^32 - 1, Postgres up to here. */
const ATTEMPT_MAX = 2 ** 31 - 1;

/** Reads actions and attempts. Only the scheduler writes them. */
export function actionService(db: Db, storage: Storage) {
  const details = actionDetails(db, storage);
  const inputsOf = (call: Call, action: ActionRow) =>
    findInputs({ db, storage, findNode: (place) => details.node(call, place) }, action);
  const outputsOf = ({ runId, ordinal }: ActionRow) => findValue(db, runId, ordinal, "outputs");

  return {
    ...details,

    get: (_call: Call, id: ActionId): Promise<ActionRow> => find(db, id),

    /** Actions directly under `parent`; undefined: those without a parent. */
    async list(
      _call: Call,
      run: NameId,
      parent: string | undefined,
      query: ListQuery<ActionField>,
    ): Promise<ActionRow[]> {
      const row = await findRunOf(db, run);
      if (parent === undefined) return listActions(db, row.id, null, query);
      const above = await find(db, { ...run, action: parent });
      return listActions(db, row.id, above.ordinal, query);
    },

    async counts(_call: Call, run: NameId, parent: string | undefined): Promise<ActionPhaseCounts> {
      if (parent === undefined) return countPhases(db, (await findRunOf(db, run)).id);
      const above = await find(db, { ...run, action: parent });
      return countPhases(db, above.runId, above.ordinal);
    },

    async data(call: Call, id: ActionId): Promise<InputsAndOutputs> {
      const action = await find(db, id);
      const [inputs, outputs] = await Promise.all([inputsOf(call, action), outputsOf(action)]);
      return readForAnswer(storage, { inputs, outputs });
    },

    getAttempt: (_call: Call, id: AttemptId) => findTry(db, id),

    async listAttempts(_call: Call, id: ActionId, query: ListQuery<AttemptField>) {
      const action = await find(db, id);
      const attempts = await listAttempts(db, action.runId, action.ordinal, query);
      return attempts.map((attempt) => ({ action, attempt }));
    },

    /** Outputs belong to the attempt that succeeded; the others have none. */
    async attemptData(call: Call, id: AttemptId): Promise<InputsAndOutputs> {
      const { action, attempt } = await findTry(db, id);
      const isDone = attempt.phase === "succeeded";
      const [inputs, outputs] = await Promise.all([inputsOf(call, action), isDone ? outputsOf(action) : undefined]);
      return readForAnswer(storage, { inputs, outputs });
    },
  };
}

async function findRunOf(db: Db, id: NameId): Promise<RunRow> {
  for (const part of ["project", "domain", "name"] as const) checkText(`id.execution_id.${part}`, id[part]);
  const run = await findRun(db, { project: id.project, domain: id.domain, name: id.name });
  if (run) return run;
  throw new SkeinError("not_found", "run_not_found", `Run ${id.name} does not exist in ${id.project}/${id.domain}.`);
}

async function find(db: Db, id: ActionId): Promise<ActionRow> {
  checkText("id.node_id", id.action);
  const run = await findRunOf(db, id);
  const action = await findAction(db, run.id, id.action);
  if (action) return action;
  throw new SkeinError("not_found", "action_not_found", `Run ${id.name} has no action ${id.action}.`);
}

async function findTry(db: Db, id: AttemptId): Promise<{ action: ActionRow; attempt: AttemptRow }> {
  const action = await find(db, id);
  const attempt =
    id.attempt > ATTEMPT_MAX ? undefined : await findAttempt(db, action.runId, action.ordinal, id.attempt);
  if (attempt) return { action, attempt };
  throw attemptNotFound(id);
}

/** The error of an attempt that was never made. */
export const attemptNotFound = ({ action, name, attempt }: AttemptId): SkeinError =>
  new SkeinError("not_found", "attempt_not_found", `Action ${action} of run ${name} has no attempt ${attempt}.`);
