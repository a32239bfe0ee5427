import { procedure, router } from "./base.ts";
import { ByName, InDomain, word } from "./inputs.ts";

/** What tasks computed before, and need not compute again. */
export const cacheRouter = router({
  /** Forgets what a task computed in all its versions; with `version` only what it did with that cache version. */
  evict: procedure
    .input(InDomain.extend({ task: word("task's name"), version: word("cache version").optional() }))
    .mutation(async ({ ctx, input: { project, domain, task, version } }) => {
      const evicted = await ctx.services.cache.evictTask(ctx.call, { project, domain, name: task }, version);
      return { evicted };
    }),

  /** Forgets what a run and its child runs computed or took from the cache. */
  evictRun: procedure.input(ByName).mutation(async ({ ctx, input }) => ({
    evicted: await ctx.services.cache.evictRun(ctx.call, input),
  })),
});
