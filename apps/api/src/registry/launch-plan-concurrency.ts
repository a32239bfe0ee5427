import {
  type Db,
  deleteLaunchPlanLimit,
  findLaunchPlanLimit,
  type NameId,
  setLaunchPlanLimit,
  type WhenFull,
} from "@skein/db";
import { SkeinError } from "@skein/errors";
import type { LimitBook } from "@skein/launch";
import type { Call } from "../call.ts";
import { storableText } from "./identity.ts";

/** How many unfinished runs a launch plan may have. */
export interface Concurrency {
  /** 0 for any number. */
  readonly max: number;
  readonly whenFull: WhenFull;
}

/** What people decide about all versions of a launch plan; other servers hear of it within a second. */
export const launchPlanConcurrency = ({ $client: pool }: Db, limits: Pick<LimitBook, "forget">) => ({
  /** Null where the versions decide themselves. */
  async getConcurrency(_call: Call, id: NameId): Promise<Concurrency | null> {
    const limit = await findLaunchPlanLimit(pool, id);
    return limit ? { max: limit.runsMax, whenFull: limit.whenFull } : null;
  },

  /** Null lets the versions decide themselves again. */
  async setConcurrency(call: Call, id: NameId, wanted: Concurrency | null): Promise<void> {
    const isSet = wanted
      ? await setLaunchPlanLimit(pool, { ...id, runsMax: wanted.max, whenFull: wanted.whenFull }, callerOf(call))
      : await deleteLaunchPlanLimit(pool, id).then(() => true);
    limits.forget();
    if (isSet) return;
    const message = `Launch plan ${id.project}:${id.domain}:${id.name} does not exist.`;
    throw new SkeinError("not_found", "launch_plan_not_found", message, { details: { ...id } });
  },
});

const callerOf = ({ caller }: Call): string => storableText(caller.subject);
