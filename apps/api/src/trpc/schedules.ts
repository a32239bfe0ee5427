import { TICK_OUTCOMES, type TickRow } from "@skein/db";
import { describeDefinition } from "@skein/schedule";
import { z } from "zod";
import type { ScheduleView } from "../schedules/schedule-service.ts";
import { procedure, router } from "./base.ts";
import { ByName, InDomain, Page, pageOf, word } from "./inputs.ts";

/** A moment as ISO 8601 text with a zone, such as 2026-11-21T09:00:00Z. */
export const Moment = z.iso
  .datetime({ offset: true, error: "must be a moment such as 2026-11-21T09:00:00Z" })
  .transform((text) => new Date(text));

const Settings = ByName.extend({
  /** An IANA name, such as Europe/Berlin. Null gives it back to the launch plan's annotations. */
  timeZone: word("time zone").nullable().optional(),
  /** none, latest, all, or "all max N". */
  catchUp: word("catch-up policy").nullable().optional(),
  /** allow, skip, queue or cancel. */
  overlap: word("overlap policy").nullable().optional(),
});

export const Ticks = ByName.extend(Page.shape).extend({
  outcomes: z.array(z.enum(TICK_OUTCOMES)).min(1).optional(),
  from: Moment.optional(),
  to: Moment.optional(),
});

export const toTickJson = (tick: TickRow) => ({
  fireAt: tick.fireAt.toISOString(),
  outcome: tick.outcome,
  version: tick.version,
  /** The run that it started; null for none. */
  run: tick.runName,
  /** Why it started none, or why it waits. */
  reason: tick.reason,
  backfill: tick.backfillId,
  settledAt: tick.settledAt?.toISOString() ?? null,
});

const toScheduleJson = (schedule: ScheduleView) => ({
  project: schedule.project,
  domain: schedule.domain,
  name: schedule.name,
  /** The version that is fired; null while none with a schedule is active. */
  version: schedule.version,
  isActive: schedule.version !== null && !schedule.isPaused,
  isPaused: schedule.isPaused,
  schedule: describeDefinition(schedule.definition),
  definition: schedule.definition,
  timeZone: schedule.policy.timeZone,
  catchUp: schedule.policy.catchUp,
  overlap: schedule.policy.overlap,
  next: schedule.next.map((moment) => moment.toISOString()),
  activatedAt: schedule.activatedAt.toISOString(),
  activatedBy: schedule.activatedBy,
  updatedAt: schedule.updatedAt.toISOString(),
  updatedBy: schedule.updatedBy,
});

/** When launch plans start by themselves. */
export const schedulesRouter = router({
  list: procedure
    .input(InDomain.extend(Page.shape).extend({ isActive: z.boolean().optional() }))
    .query(async ({ ctx, input: { limit, cursor, ...where } }) => {
      const rows = await ctx.services.schedules.list(ctx.call, where, { limit, offset: cursor });
      return pageOf(rows.map(toScheduleJson), { limit, cursor });
    }),

  get: procedure
    .input(ByName.extend({ next: z.int().min(0).max(100).default(5) }))
    .query(async ({ ctx, input: { next, ...id } }) =>
      toScheduleJson(await ctx.services.schedules.get(ctx.call, id, next)),
    ),

  /** Sets how the schedule of a name behaves, whatever its versions say. */
  update: procedure.input(Settings).mutation(async ({ ctx, input: { timeZone, catchUp, overlap, ...id } }) => {
    return toScheduleJson(await ctx.services.schedules.update(ctx.call, id, { timeZone, catchUp, overlap }));
  }),

  /** Ticks of the pause are not made up for. */
  pause: procedure
    .input(ByName)
    .mutation(async ({ ctx, input }) => toScheduleJson(await ctx.services.schedules.setPaused(ctx.call, input, true))),
  resume: procedure
    .input(ByName)
    .mutation(async ({ ctx, input }) => toScheduleJson(await ctx.services.schedules.setPaused(ctx.call, input, false))),

  /** What came of the ticks so far, those of backfills too; the newest first. */
  ticks: procedure.input(Ticks).query(async ({ ctx, input: { project, domain, name, limit, cursor, ...query } }) => {
    const id = { project, domain, name };
    const rows = await ctx.services.schedules.ticks(ctx.call, id, { ...query, limit, offset: cursor });
    return pageOf(rows.map(toTickJson), { limit, cursor });
  }),
});
