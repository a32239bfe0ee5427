import {
  type Db,
  findSchedule,
  listSchedules,
  listTicks,
  type NameId,
  type ScheduleRow,
  setSchedulePaused,
  setSchedulePolicy,
  type TickQuery,
  type TickRow,
} from "@skein/db";
import { SkeinError } from "@skein/errors";
import {
  checkTimeZone,
  DEFAULT_POLICY,
  openTicks,
  readCatchUp,
  readOverlap,
  type SchedulePolicy,
} from "@skein/schedule";
import type { Call } from "../call.ts";
import { storableText } from "../registry/identity.ts";

/** How a schedule behaves, with who said so: people for the name, the annotations of the version, or nobody. */
export interface EffectivePolicy {
  readonly value: string;
  readonly from: "schedule" | "launch plan" | "default";
}

/** A schedule with what follows from it. */
export interface ScheduleView extends ScheduleRow {
  readonly policy: Readonly<Record<keyof SchedulePolicy, EffectivePolicy>>;
  /** The next moments at which it fires, as it is now. */
  readonly next: readonly Date[];
}

/** What people may set; null gives it back to the annotations, what is left out stays. */
export type PolicyPatch = { readonly [Key in keyof SchedulePolicy]?: string | null | undefined };

const NEXT_SHOWN = 5;
const CENTURIES_MS = 400 * 365 * 86_400_000;

/** Schedules of launch plans: what they do, and what people set beyond what Flyte's clients can say. */
export function scheduleService(db: Db) {
  async function get(id: NameId, nextCount = NEXT_SHOWN): Promise<ScheduleView> {
    const row = await findSchedule(db, id);
    if (!row) throw noSchedule(id);
    return toView(row, nextCount);
  }
  const changeBy = (call: Call) => ({ changedBy: storableText(call.caller.subject), at: new Date() });

  return {
    get: (_call: Call, id: NameId, nextCount?: number): Promise<ScheduleView> => get(id, nextCount),

    async list(
      _call: Call,
      where: Parameters<typeof listSchedules>[1],
      page: { readonly limit: number; readonly offset: number },
    ): Promise<ScheduleView[]> {
      return (await listSchedules(db, where, page)).map((row) => toView(row, 1));
    },

    /** Replaces what is given; it holds for every version of the name until it is given back. */
    async update(call: Call, id: NameId, patch: PolicyPatch): Promise<ScheduleView> {
      const { ownPolicy } = await get(id, 0);
      const policy = patched(ownPolicy, patch);
      if (!(await setSchedulePolicy(db, id, policy, changeBy(call)))) throw noSchedule(id);
      return get(id);
    },

    async setPaused(call: Call, id: NameId, isPaused: boolean): Promise<ScheduleView> {
      if (!(await setSchedulePaused(db, id, isPaused, changeBy(call)))) throw noSchedule(id);
      return get(id);
    },

    async ticks(_call: Call, id: NameId, query: TickQuery): Promise<TickRow[]> {
      return listTicks(db, id, query);
    },
  };
}

function patched(before: SchedulePolicy, patch: PolicyPatch): SchedulePolicy {
  if (patch.timeZone) checkTimeZone("timeZone", patch.timeZone);
  if (patch.catchUp) readCatchUp("catchUp", patch.catchUp);
  const overlap = patch.overlap ? { overlap: readOverlap("overlap", patch.overlap) } : {};
  const given = Object.entries({ ...patch, ...overlap }).filter(([, value]) => value !== undefined);
  const merged = { ...before, ...Object.fromEntries(given) };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
}

function toView(row: ScheduleRow, nextCount: number): ScheduleView {
  const effective = (key: keyof SchedulePolicy): EffectivePolicy => {
    const own = row.ownPolicy[key];
    if (own !== undefined) return { value: own, from: "schedule" };
    const planned = row.planPolicy[key];
    return planned === undefined
      ? { value: DEFAULT_POLICY[key], from: "default" }
      : { value: planned, from: "launch plan" };
  };
  const policy = { timeZone: effective("timeZone"), catchUp: effective("catchUp"), overlap: effective("overlap") };
  return { ...row, policy, next: nextTicks(row, policy.timeZone.value, nextCount) };
}

function nextTicks(row: ScheduleRow, timeZone: string, count: number): Date[] {
  if (row.launchPlanId === null || row.isPaused) return [];
  const ticks = openTicks(row.definition, { timeZone, anchorMs: row.anchorAt.getTime() });
  const nowMs = Math.max(Date.now(), row.consideredAt.getTime());
  return ticks.between(nowMs, nowMs + CENTURIES_MS, count).map((moment) => new Date(moment));
}

const noSchedule = ({ project, domain, name }: NameId): SkeinError =>
  new SkeinError(
    "not_found",
    "schedule_not_found",
    `Launch plan ${name} of ${project}/${domain} has no schedule: activate a version that has one.`,
  );
