import { create } from "@bufbuild/protobuf";
import { type Db, findActionKinds, findRunInputs, type NameId, type RunRow } from "@skein/db";
import { isTerminalRun } from "@skein/engine";
import { SkeinError } from "@skein/errors";
import { fromBytes } from "@skein/idl";
import { ExecutionMetadataSchema, ExecutionSpecSchema } from "@skein/idl/admin";
import { WorkflowExecutionIdentifierSchema } from "@skein/idl/core";
import { type LaunchOrigin, readValue } from "@skein/launch";
import type { Storage } from "@skein/storage";
import type { Call } from "../call.ts";
import { invalid } from "../registry/identity.ts";
import type { launcher } from "./launch-service.ts";

export interface RelaunchRequest {
  readonly reference: NameId;
  /** Empty: the server makes a name. */
  readonly name: string;
  readonly overwriteCache: boolean;
}

export interface RecoverRequest {
  readonly reference: NameId;
  /** Empty: the server makes a name. */
  readonly name: string;
}

export interface RerunRequest extends RecoverRequest {
  /** Names of actions of the reference: these, and what comes after them, are done anew. */
  readonly from: readonly string[];
  readonly overwriteCache: boolean;
}

export interface RepeatDependencies {
  readonly db: Db;
  readonly storage: Storage;
  readonly launch: ReturnType<typeof launcher>;
  readonly find: (id: NameId) => Promise<RunRow>;
}

const FROM_MAX = 1_000;

/** Runs that repeat another one: its version, its spec, and what the user gave (contract 6.8). */
export function runRepeater({ db, storage, launch, find }: RepeatDependencies) {
  /** A cache setting that is left out stays as it was. */
  async function repeat(call: Call, run: RunRow, name: string, origin: Repeat, overwriteCache?: boolean) {
    const inputs = await readValue(storage, await findRunInputs(db, run.id));
    const spec = fromBytes(ExecutionSpecSchema, run.spec);
    spec.overwriteCache = overwriteCache ?? spec.overwriteCache;
    const { project, domain } = run;
    const referenceExecution = create(WorkflowExecutionIdentifierSchema, { project, domain, name: run.name });
    // Nothing else of it: a repeated child run has no parent.
    spec.metadata = create(ExecutionMetadataSchema, { referenceExecution });
    return launch(call, { project, domain, name, spec, inputs }, { ...origin, referenceRunId: run.id });
  }

  return {
    /** Starts the same again, from the beginning. */
    async relaunch(call: Call, { reference, name, overwriteCache }: RelaunchRequest): Promise<NameId> {
      return repeat(call, await find(reference), name, { mode: "relaunch" }, overwriteCache);
    },

    /** Starts the same again and takes over what has succeeded, on every level. Throws failed_precondition unless it is over. */
    async recover(call: Call, { reference, name }: RecoverRequest): Promise<NameId> {
      return repeat(call, requireOver(await find(reference)), name, { mode: "recovered" });
    },

    /** Like `recover`, but does the chosen actions anew, and all that comes after them. */
    async rerun(call: Call, { reference, name, from, overwriteCache }: RerunRequest): Promise<NameId> {
      const run = requireOver(await find(reference));
      if (from.length === 0) throw invalid("from", "is empty: name the actions from which on everything is done anew");
      if (from.length > FROM_MAX) throw invalid("from", `has ${from.length} names: at most ${FROM_MAX} are allowed`);
      const rerunFrom = [...new Set(from)];
      const kinds = new Map((await findActionKinds(db, run.id, rerunFrom)).map((action) => [action.name, action.kind]));
      for (const action of rerunFrom) checkStart(run, action, kinds.get(action));
      return repeat(call, run, name, { mode: "recovered", rerunFrom }, overwriteCache);
    },
  };
}

type Repeat = Pick<LaunchOrigin, "mode" | "rerunFrom">;

/** What still goes on cannot be taken over: it may come to anything. */
function requireOver(run: RunRow): RunRow {
  if (isTerminalRun(run.phase)) return run;
  const message = `Run ${run.name} is not over, it is ${run.phase}: wait for its end, or abort it first.`;
  throw new SkeinError("failed_precondition", "run_not_over", message, {
    details: { project: run.project, domain: run.domain, name: run.name, phase: run.phase },
  });
}

function checkStart(run: RunRow, action: string, kind: string | undefined): void {
  if (kind === undefined) {
    const message = `Run ${run.name} has no action ${action}: name one that it shows.`;
    throw new SkeinError("not_found", "action_not_found", message, { details: { name: run.name, action } });
  }
  if (kind === "start" || kind === "end") {
    throw invalid("from", `names ${action}, which does nothing: name another action, or relaunch the run`);
  }
}
