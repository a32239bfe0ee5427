import { WHEN_FULL } from "@skein/db";
import { z } from "zod";
import { procedure } from "./base.ts";
import { ByName } from "./inputs.ts";

const SetConcurrency = ByName.extend({
  /** How many unfinished runs there may be, 0 for any number; null lets the versions decide themselves again. */
  max: z.int().min(0).max(1_000_000).nullable(),
  /** What becomes of a launch above that: refused, in a queue, or in the place of the oldest. */
  whenFull: z.enum(WHEN_FULL).default("queue"),
});

/** How many runs of a launch plan there may be, all versions together. */
export const concurrencyProcedures = {
  /** Null where the versions decide themselves. */
  getConcurrency: procedure
    .input(ByName)
    .query(({ ctx, input }) => ctx.services.registry.launchPlans.getConcurrency(ctx.call, input)),

  setConcurrency: procedure.input(SetConcurrency).mutation(async ({ ctx, input: { max, whenFull, ...id } }) => {
    await ctx.services.registry.launchPlans.setConcurrency(ctx.call, id, max === null ? null : { max, whenFull });
    return ctx.services.registry.launchPlans.getConcurrency(ctx.call, id);
  }),
};
