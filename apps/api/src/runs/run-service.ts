import { create } from "@bufbuild/protobuf";
import {
  CHANGES_CHANNEL,
  countRuns,
  type Db,
  EVENTS_CHANNEL,
  findRun,
  findRunName,
  findValue,
  insertAbortRequest,
  type ListQuery,
  listRuns,
  type NameId,
  type Notifier,
  type RunField,
  type RunFilter,
  type RunRow,
  type RunSearch,
  type RunState,
  searchRuns,
  setRunPriority,
  setRunState,
} from "@skein/db";
import { isTerminalRun } from "@skein/engine";
import { SkeinError } from "@skein/errors";
import { fromBytes, toBytes } from "@skein/idl";
import { EventFailureReasonSchema, type ExecutionSpec, ExecutionSpecSchema } from "@skein/idl/admin";
import type { Storage } from "@skein/storage";
import type { Call } from "../call.ts";
import { checkText, storableText } from "../registry/identity.ts";
import { type InputsAndOutputs, readForAnswer } from "../values/readable-values.ts";
import type { LaunchRequest, launcher } from "./launch-service.ts";
import { runRepeater } from "./repeat-run.ts";

/** A run with its spec decoded. `storedBytes` is about what an answer that holds it weighs. */
export type RunView = Omit<RunRow, "spec" | "org"> & { readonly spec: ExecutionSpec; readonly storedBytes: number };

export interface RunDependencies {
  readonly db: Db;
  readonly storage: Storage;
  readonly notifier: Notifier;
  readonly launch: ReturnType<typeof launcher>;
}

const CAUSE_LENGTH_MAX = 10_000;

/** The code of a run may end only what it launched itself. */
function ofOwn({ caller }: Call, run: RunRow): RunRow {
  if (caller.kind !== "run" || run.principal === caller.subject) return run;
  const message = `Run ${run.name} was not launched by the run whose token this is, which may end only its own.`;
  throw new SkeinError("permission_denied", "run_not_own", message);
}

/** Rules for runs: launch, look, abort, archive, repeat. */
export function runService({ db, storage, notifier, launch }: RunDependencies) {
  const find = async (id: NameId): Promise<RunRow> => {
    for (const part of ["project", "domain", "name"] as const) checkText(`id.${part}`, id[part]);
    const row = await findRun(db, id);
    if (row) return row;
    const message = `Run ${id.name} does not exist in ${id.project}/${id.domain}.`;
    throw new SkeinError("not_found", "run_not_found", message, { details: { ...id } });
  };

  return {
    launch: (call: Call, request: LaunchRequest): Promise<NameId> => launch(call, request),

    get: async (_call: Call, id: NameId): Promise<RunView> => toView(await find(id)),

    async list(_call: Call, query: ListQuery<RunField>): Promise<RunView[]> {
      return (await listRuns(db, query)).map(toView);
    },

    /** A page of the runs of a project that fit. */
    async search(_call: Call, search: RunSearch): Promise<RunView[]> {
      return (await searchRuns(db, search)).map(toView);
    },

    /** How many runs that fit are in each phase; of more than `max` in a domain only the newest are counted. */
    count: (_call: Call, filter: RunFilter, max: number) => countRuns(db, filter, max),

    /** The name of the run that this one repeats. */
    async findReference(_call: Call, run: Pick<RunView, "referenceRunId">): Promise<NameId | undefined> {
      return run.referenceRunId === null ? undefined : findRunName(db, run.referenceRunId);
    },

    async data(_call: Call, id: NameId): Promise<InputsAndOutputs> {
      const run = await find(id);
      const [inputs, outputs] = await Promise.all([
        findValue(db, run.id, 0, "outputs"),
        run.phase === "succeeded" ? findValue(db, run.id, 1, "inputs") : undefined,
      ]);
      return readForAnswer(storage, { inputs, outputs });
    },

    /** Asks for the end of a run; failed_precondition when it is over. The phase changes when the scheduler has heard. */
    async abort(call: Call, id: NameId, cause: string): Promise<void> {
      const run = ofOwn(call, await find(id));
      const request = {
        cause: storableText(cause).slice(0, CAUSE_LENGTH_MAX),
        principal: storableText(call.caller.subject),
        atMs: Date.now(),
      };
      if (isTerminalRun(run.phase) || !(await insertAbortRequest(db, run.id, request))) {
        throw alreadyOver((await find(id)).phase, id);
      }
      notifier.notify(EVENTS_CHANNEL);
      notifier.notify(CHANGES_CHANNEL);
    },

    /** Archives a run or brings it back. Its work goes on untouched. */
    async setState(call: Call, id: NameId, state: RunState): Promise<void> {
      const run = await find(id);
      await setRunState(db, run.id, state, storableText(call.caller.subject));
      notifier.notify(CHANGES_CHANNEL);
    },

    /** Changes how urgent an unfinished run is, with all runs below it; failed_precondition when it is over. */
    async setPriority(_call: Call, id: NameId, priority: number): Promise<void> {
      const run = await find(id);
      if (!(await setRunPriority(db.$client, run.id, priority))) throw alreadyOver((await find(id)).phase, id);
      notifier.notify(CHANGES_CHANNEL);
    },

    ...runRepeater({ db, storage, launch, find }),
  };
}

const toView = ({ org: _org, ...row }: RunRow): RunView => ({
  ...row,
  spec: fromBytes(ExecutionSpecSchema, row.spec),
  storedBytes: row.spec.length + (row.abortCause?.length ?? 0),
});

function alreadyOver(phase: string, id: NameId): SkeinError {
  const reason = create(EventFailureReasonSchema, {
    reason: { case: "alreadyInTerminalState", value: { currentPhase: phase.toUpperCase() } },
  });
  return new SkeinError("failed_precondition", "run_over", `Run ${id.name} is over already: it ${phase}.`, {
    details: { ...id, phase },
    protoDetails: [{ typeName: EventFailureReasonSchema.typeName, value: toBytes(EventFailureReasonSchema, reason) }],
  });
}
