import { BACKFILL_ORDERS, type BackfillRow, TICK_OUTCOMES } from "@skein/db";
import { describeDefinition, RATE_UNITS } from "@skein/schedule";
import { z } from "zod";
import { procedure, router } from "./base.ts";
import { ByName, InDomain, Page, pageOf, word } from "./inputs.ts";
import { Moment, toTickJson } from "./schedules.ts";

const PARALLEL_MAX = 1_000;

/** Which moments are meant, where the launch plan's own schedule does not say so. */
const Definition = z.union([
  z.object({ cron: word("cron expression") }).transform(({ cron }) => {
    return { kind: "cron" as const, expression: cron, dialect: "unix" as const, offsetMs: 0 };
  }),
  z
    .object({ every: z.int().min(1).max(100_000), unit: z.enum(RATE_UNITS) })
    .transform(({ every, unit }) => ({ kind: "rate" as const, value: every, unit })),
]);

/** `name` is the launch plan's. */
const NewBackfill = ByName.extend({
  /** By default the active one. */
  version: word("version").optional(),
  /** Both ends belong to the range. */
  from: Moment,
  to: Moment,
  schedule: Definition.optional(),
  timeZone: word("time zone").optional(),
  /** The input that is given the moment of the tick; by default the one that the launch plan's schedule names. */
  kickoffInput: word("input's name").optional(),
  order: z.enum(BACKFILL_ORDERS).default("oldest"),
  maxParallel: z.int().min(1).max(PARALLEL_MAX).default(10),
  overwriteCache: z.boolean().default(false),
  /** Also ticks that have a run get one. */
  again: z.boolean().default(false),
});

const ById = InDomain.extend({ id: z.uuid("must be the backfill's id") });

const toBackfillJson = (backfill: BackfillRow) => {
  const { counts, openCount, tickCount } = backfill;
  const known = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return {
    id: backfill.id,
    project: backfill.project,
    domain: backfill.domain,
    name: backfill.name,
    version: backfill.version,
    phase: backfill.phase,
    schedule: describeDefinition(backfill.definition),
    timeZone: backfill.timeZone,
    from: backfill.fromAt.toISOString(),
    to: backfill.toAt.toISOString(),
    order: backfill.order,
    maxParallel: backfill.maxParallel,
    overwriteCache: backfill.overwriteCache,
    again: backfill.again,
    ticks: {
      /** Of the range. */
      total: tickCount,
      /** Had their run already, or another backfill makes it. */
      leftAlone: Math.max(0, tickCount - known),
      pending: counts.pending ?? 0,
      launched: counts.launched ?? 0,
      failed: counts.failed ?? 0,
      skipped: counts.skipped ?? 0,
      cancelled: counts.cancelled ?? 0,
      /** Of those launched: how many runs go on. */
      running: openCount,
    },
    createdBy: backfill.createdBy,
    createdAt: backfill.createdAt.toISOString(),
    endedAt: backfill.endedAt?.toISOString() ?? null,
  };
};

/** Runs for ticks that are over. */
export const backfillsRouter = router({
  create: procedure.input(NewBackfill).mutation(async ({ ctx, input: { schedule, ...rest } }) => {
    return toBackfillJson(await ctx.services.backfills.create(ctx.call, { ...rest, definition: schedule }));
  }),

  list: procedure
    .input(InDomain.extend(Page.shape).extend({ name: word("launch plan's name").optional() }))
    .query(async ({ ctx, input: { limit, cursor, ...where } }) => {
      const rows = await ctx.services.backfills.list(ctx.call, where, { limit, offset: cursor });
      return pageOf(rows.map(toBackfillJson), { limit, cursor });
    }),

  get: procedure
    .input(ById)
    .query(async ({ ctx, input }) => toBackfillJson(await ctx.services.backfills.get(ctx.call, input))),

  /** Its ticks, the newest first. */
  ticks: procedure
    .input(ById.extend(Page.shape).extend({ outcomes: z.array(z.enum(TICK_OUTCOMES)).min(1).optional() }))
    .query(async ({ ctx, input: { limit, cursor, outcomes, ...id } }) => {
      const backfill = await ctx.services.backfills.get(ctx.call, id);
      const query = { outcomes, backfillId: backfill.id, limit, offset: cursor };
      const rows = await ctx.services.schedules.ticks(ctx.call, backfill, query);
      return pageOf(rows.map(toTickJson), { limit, cursor });
    }),

  pause: procedure
    .input(ById)
    .mutation(async ({ ctx, input }) => toBackfillJson(await ctx.services.backfills.pause(ctx.call, input))),
  resume: procedure
    .input(ById)
    .mutation(async ({ ctx, input }) => toBackfillJson(await ctx.services.backfills.resume(ctx.call, input))),
  cancel: procedure
    .input(ById)
    .mutation(async ({ ctx, input }) => toBackfillJson(await ctx.services.backfills.cancel(ctx.call, input))),
});
