import { randomUUID } from "node:crypto";
import { setImmediate as pause } from "node:timers/promises";
import {
  type BackfillPhase,
  type BackfillRow,
  type Db,
  findBackfill,
  findSchedule,
  insertBackfill,
  listBackfills,
  type NameId,
  setBackfillPhase,
} from "@skein/db";
import { SkeinError } from "@skein/errors";
import type { ParameterMap } from "@skein/idl/core";
import {
  checkDefinition,
  DEFAULT_POLICY,
  openTicks,
  plannedSchedule,
  rateMs,
  type ScheduleDefinition,
  type Ticks,
} from "@skein/schedule";
import type { Call } from "../call.ts";
import type { ProjectService } from "../projects/project-service.ts";
import { invalid, storableText } from "../registry/identity.ts";
import type { LaunchPlanService, LaunchPlanView } from "../registry/launch-plan-service.ts";

/** A wish to run a launch plan for every tick of a range of time, both ends with it. */
export interface BackfillRequest extends NameId {
  /** Undefined: the active version. */
  readonly version?: string | undefined;
  readonly from: Date;
  readonly to: Date;
  /** Undefined: the launch plan's own schedule. */
  readonly definition?: ScheduleDefinition | undefined;
  readonly timeZone?: string | undefined;
  /** Undefined: the input that the launch plan's schedule names. */
  readonly kickoffInput?: string | undefined;
  readonly order: "oldest" | "newest";
  readonly maxParallel: number;
  readonly overwriteCache: boolean;
  readonly again: boolean;
}

export interface BackfillDependencies {
  readonly db: Db;
  readonly projects: ProjectService;
  readonly launchPlans: LaunchPlanService;
}

type BackfillId = Omit<NameId, "name"> & { readonly id: string };

const TICKS_MAX = 10_000;
/** Moments that are computed without letting anybody else in between. */
const TICKS_AT_ONCE = 250;

/** Runs for ticks that are over: the scheduler launches them, a few at a time. */
export function backfillService({ db, projects, launchPlans }: BackfillDependencies) {
  async function get({ project, domain, id }: BackfillId): Promise<BackfillRow> {
    const row = await findBackfill(db, { project, domain, id });
    if (row) return row;
    throw new SkeinError("not_found", "backfill_not_found", `Backfill ${id} does not exist in ${project}/${domain}.`);
  }

  async function move(id: BackfillId, phase: Exclude<BackfillPhase, "done">, from: readonly BackfillPhase[]) {
    const before = await get(id);
    if (before.phase === phase || (await setBackfillPhase(db, before.id, phase, from))) return get(id);
    const message = `Backfill ${id.id} is ${(await get(id)).phase} and cannot become ${phase}.`;
    throw new SkeinError("failed_precondition", "backfill_over", message);
  }

  return {
    /** Takes every tick of the range that has no run yet. */
    async create(call: Call, request: BackfillRequest): Promise<BackfillRow> {
      await projects.requireActive(call, request.project, request.domain);
      const plan = await planOf(call, request);
      const schedule = await scheduleOf(db, request, plan);
      checkUnbound(plan.closure.expectedInputs, schedule.kickoffInput);
      const moments = await momentsOf(request, schedule);
      const id = randomUUID();
      const { project, domain, name, from, to, order, maxParallel, overwriteCache, again } = request;
      const { definition, timeZone, kickoffInput } = schedule;
      const which = { id, project, domain, name, launchPlanId: plan.rowId, fromAt: from, toAt: to };
      const how = { definition, timeZone, kickoffInput, order, maxParallel, overwriteCache, again };
      await insertBackfill(db, { ...which, ...how, createdBy: storableText(call.caller.subject) }, moments);
      return get({ project, domain, id });
    },

    get: (_call: Call, id: BackfillId): Promise<BackfillRow> => get(id),

    list: (
      _call: Call,
      where: Parameters<typeof listBackfills>[1],
      page: { readonly limit: number; readonly offset: number },
    ): Promise<BackfillRow[]> => listBackfills(db, where, page),

    /** What runs goes on; nothing more is launched until it is resumed. */
    pause: (_call: Call, id: BackfillId): Promise<BackfillRow> => move(id, "paused", ["running"]),
    resume: (_call: Call, id: BackfillId): Promise<BackfillRow> => move(id, "running", ["paused"]),
    /** What runs goes on; what was not launched never is. */
    cancel: (_call: Call, id: BackfillId): Promise<BackfillRow> => move(id, "cancelled", ["running", "paused"]),
  };

  function planOf(call: Call, { version, ...name }: BackfillRequest): Promise<LaunchPlanView> {
    const id = { project: name.project, domain: name.domain, name: name.name };
    return version === undefined ? launchPlans.getActive(call, id) : launchPlans.get(call, { ...id, version });
  }
}

interface BackfillSchedule {
  readonly definition: ScheduleDefinition;
  readonly timeZone: string;
  readonly kickoffInput: string;
  readonly ticks: Ticks;
}

/** Which moments are meant, and who is told of them. */
async function scheduleOf(db: Db, request: BackfillRequest, plan: LaunchPlanView): Promise<BackfillSchedule> {
  const planned = plannedSchedule(plan.spec);
  const row = await findSchedule(db, request);
  const definition = request.definition ?? planned?.definition;
  if (!definition) {
    const hint = `launch plan ${request.name} version ${plan.id.version} has none of its own`;
    throw invalid("schedule", `is missing: ${hint}, so say which moments are meant`);
  }
  const own = row?.ownPolicy.timeZone ?? planned?.policy.timeZone;
  const timeZone = request.timeZone ?? own ?? DEFAULT_POLICY.timeZone;
  checkDefinition(definition, timeZone, "schedule");
  const fromMs = request.from.getTime();
  const anchorMs = request.definition ? fromMs : (row?.anchorAt.getTime() ?? fromMs);
  return {
    definition,
    timeZone,
    kickoffInput: request.kickoffInput ?? planned?.kickoffInput ?? "",
    ticks: openTicks(definition, { timeZone, anchorMs: before(definition, anchorMs, fromMs) }),
  };
}

/** The anchor moved by whole intervals to before the range, so that a rate has ticks in all of it. */
function before(definition: ScheduleDefinition, anchorMs: number, fromMs: number): number {
  if (definition.kind === "cron") return anchorMs;
  const everyMs = rateMs(definition);
  return anchorMs - (Math.max(0, Math.ceil((anchorMs - fromMs) / everyMs)) + 1) * everyMs;
}

async function momentsOf({ from, to }: BackfillRequest, { ticks }: BackfillSchedule): Promise<Date[]> {
  if (from > to) throw invalid("from", "is later than to");
  if (to.getTime() > Date.now()) throw invalid("to", "is in the future: a backfill is for what is over");
  const moments: number[] = [];
  for (let afterMs = from.getTime() - 1; ; ) {
    const some = ticks.between(afterMs, to.getTime(), TICKS_AT_ONCE);
    moments.push(...some);
    if (moments.length > TICKS_MAX) throw invalid("to", `makes it more than ${TICKS_MAX} ticks: split the range`);
    if (some.length < TICKS_AT_ONCE) break;
    afterMs = some.at(-1) ?? afterMs;
    await pause();
  }
  if (moments.length === 0) throw invalid("from", "and to have no tick of the schedule between them");
  return moments.map((moment) => new Date(moment));
}

function checkUnbound(expected: ParameterMap | undefined, kickoffInput: string): void {
  const unbound = Object.entries(expected?.parameters ?? {}).filter(
    ([name, { behavior }]) => behavior.case === "required" && behavior.value && name !== kickoffInput,
  );
  if (unbound.length === 0) return;
  const names = unbound.map(([name]) => `"${name}"`).join(", ");
  const fix = "name the one that takes the moment of the tick as kickoffInput, and give the others a default";
  throw invalid("name", `is a launch plan with the required input ${names}, which nobody would give: ${fix}`);
}
