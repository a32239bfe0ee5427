import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type PendingTick, readTickRefusal, type SettledTick } from "@skein/db";
import { entityKey } from "@skein/engine";
import { SkeinError } from "@skein/errors";
import { ExecutionMetadata_ExecutionMode, ExecutionSpecSchema } from "@skein/idl/admin";
import { type LiteralMap, LiteralMapSchema } from "@skein/idl/core";
import type { RunStarter } from "@skein/launch";
import { tickRunName } from "@skein/schedule";
import type { Pool } from "../database.ts";
import { tickVersions } from "./tick-versions.ts";

/** Who starts the runs of schedules. */
export const SCHEDULER_PRINCIPAL = "skein-scheduler";

/** How the run of a tick is started. */
export interface TickLaunch {
  readonly tick: PendingTick;
  readonly principal: string;
  /** The input that is given the moment; undefined for the one that the launch plan's schedule names. */
  readonly kickoffInput?: string;
  readonly overwriteCache?: boolean;
  readonly tags?: readonly string[];
  /** Somebody waits for the end of the run. */
  readonly isOpen: boolean;
}

/**
 * Starts the runs of ticks. The name of a run follows from its tick, so that whoever starts it again, after a crash or in
 * another scheduler, finds it there. What is refused is refused once and told.
 */
export function tickLauncher(pool: Pool, startRun: RunStarter): (launch: TickLaunch) => Promise<SettledTick> {
  const versionOf = tickVersions(pool);
  return async (launch) => {
    const { tick, principal, isOpen } = launch;
    const { project, domain } = tick;
    const { target, kickoffInput } = await versionOf(tick.launchPlanId);
    const name = tickRunName(entityKey(target.launched), tick.fireAt.getTime(), tick.again);
    const requested = create(ExecutionSpecSchema, {
      metadata: { mode: ExecutionMetadata_ExecutionMode.SCHEDULED, scheduledAt: timestampFromDate(tick.fireAt) },
      overwriteCache: launch.overwriteCache ?? false,
      tags: [...(launch.tags ?? [])],
    });
    const outcome = await startRun({
      id: { project, domain, name },
      target,
      requested,
      given: kickoffInputs(launch.kickoffInput ?? kickoffInput, tick.fireAt),
      principal,
      origin: { mode: "scheduled", referenceRunId: null },
    });
    const launched = (reason = ""): SettledTick => ({
      id: tick.id,
      outcome: "launched",
      runName: name,
      reason,
      isOpen,
    });
    switch (outcome.type) {
      case "started":
        return launched();
      case "inputsInvalid":
        return withoutRun(tick, "failed", `Inputs are invalid: ${outcome.problems}.`);
      case "poolRefused":
        return withoutRun(tick, "failed", `${outcome.problem}.`);
      case "full":
        return withoutRun(
          tick,
          "skipped",
          `The launch plan had ${outcome.limit.runsMax} unfinished runs, all it allows.`,
        );
      case "notInserted":
        return refused(await readTickRefusal(pool, { project, domain, name }));
    }

    function refused(refusal: Awaited<ReturnType<typeof readTickRefusal>>): SettledTick {
      switch (refusal) {
        case "launched":
          return launched();
        case "nameTaken":
          return withoutRun(tick, "failed", `A run named ${name}, which is no scheduled one, exists already.`);
        case "projectInactive":
          return withoutRun(tick, "failed", `Project ${project} is archived.`);
        case "raced":
          throw new SkeinError("aborted", "launch_raced", `Run ${name} was not started.`);
      }
    }
  };
}

/** A tick that gets no run, and why. */
export const withoutRun = (
  { id }: Pick<PendingTick, "id">,
  outcome: "failed" | "skipped",
  reason: string,
): SettledTick => ({ id, outcome, runName: null, reason, isOpen: false });

/** The moment of the tick, for the input that takes it. */
function kickoffInputs(input: string, fireAt: Date): LiteralMap {
  if (input === "") return create(LiteralMapSchema);
  const value = { value: { case: "datetime", value: timestampFromDate(fireAt) } } as const;
  const literal = { case: "scalar", value: { value: { case: "primitive", value } } } as const;
  return create(LiteralMapSchema, { literals: { [input]: { value: literal } } });
}
