import type { PurgeRow, RetentionRow } from "@skein/db/retention";
import { z } from "zod";
import { procedure, router } from "./base.ts";
import { ByName, word } from "./inputs.ts";

const Project = z.object({ project: word("project's id"), domain: word("domain's id").optional() });
const Days = z.int().min(1).max(36_500).nullable();

const toPurgeJson = (purge: PurgeRow) => ({
  ...purge,
  createdAt: purge.createdAt.toISOString(),
  endedAt: purge.endedAt?.toISOString() ?? null,
});

const toRuleJson = ({ domain, updatedAt, ...rule }: RetentionRow) => ({
  ...rule,
  /** Null: every domain without a rule of its own. */
  domain: domain === "" ? null : domain,
  updatedAt: updatedAt.toISOString(),
});

export const purgeProcedures = {
  /** Deletes a run that is over, with its data: at once for everybody to see, its rows and objects soon after. */
  delete: procedure
    .input(ByName.extend({ withChildren: z.boolean().default(false) }))
    .mutation(async ({ ctx, input: { withChildren, ...id } }) => ({
      runs: await ctx.services.purges.delete(ctx.call, id, withChildren),
    })),
};

/** What was deleted, what waits to be, and what is kept because something points at it. */
export const purgesRouter = router({
  list: procedure
    .input(
      Project.extend({
        isOpen: z.boolean().optional(),
        limit: z.int().min(1).max(1_000).default(100),
        /** `nextCursor` of the page before. */
        cursor: z.int().min(0).nullish(),
      }),
    )
    .query(async ({ ctx, input: { project, domain, isOpen, limit, cursor } }) => {
      const rows = await ctx.services.purges.list(ctx.call, {
        project,
        domain,
        isOpen,
        limit,
        before: cursor ?? undefined,
      });
      const last = rows.length === limit ? rows.at(-1) : undefined;
      return { items: rows.map(toPurgeJson), nextCursor: last?.id ?? null };
    }),
});

/** How long a project keeps what is over. */
export const retentionRouter = router({
  /** The project's rule, and those of its domains, which stand in its place there. */
  get: procedure.input(Project.pick({ project: true })).query(async ({ ctx, input }) => ({
    items: (await ctx.services.retention.get(ctx.call, input.project)).map(toRuleJson),
  })),

  /** Days from a run's end until it is deleted, and until its objects are; null keeps them for ever. */
  set: procedure
    .input(Project.extend({ runDays: Days.default(null), objectDays: Days.default(null) }))
    .mutation(async ({ ctx, input: { domain = "", ...rule } }) => {
      await ctx.services.retention.set(ctx.call, { ...rule, domain });
      return { isSet: true };
    }),

  /** Takes a rule away. */
  clear: procedure.input(Project).mutation(async ({ ctx, input: { project, domain = "" } }) => {
    await ctx.services.retention.clear(ctx.call, project, domain);
    return { isCleared: true };
  }),
});
