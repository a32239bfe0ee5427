import type { MapItemRow, NameId } from "@skein/db";
import { SkeinError } from "@skein/errors";
import { z } from "zod";
import { procedure } from "./base.ts";
import { ByAction, ByName, word } from "./inputs.ts";

/** As many items as an answer of some MiB holds. */
const ITEMS_MAX = 5_000;

const toItemJson = (item: MapItemRow, childRuns: ReadonlyMap<number, NameId>) => ({
  index: item.index,
  ordinal: item.ordinal,
  name: item.name,
  kind: item.kind,
  phase: item.phase,
  attempts: item.attempts,
  cacheStatus: item.cacheStatus,
  isRecovered: item.isRecovered,
  error: item.errorMessage?.slice(0, 500) ?? null,
  childRun: childRuns.get(item.ordinal) ?? null,
});

/** Views of runs that are too large to be listed whole. */
export const mapProcedures = {
  /** A map's items in the order of their index. Of more than `limit` the failed and running ones are told first; `counts` is of all. */
  mapItems: procedure
    .input(ByAction.extend({ limit: z.int().min(1).max(ITEMS_MAX).default(1_000) }))
    .query(async ({ ctx, input: { limit, ...id } }) => {
      const map = await ctx.services.actions.get(ctx.call, id);
      if (map.kind !== "array") {
        throw new SkeinError("invalid_argument", "no_map", `Action ${id.action} of run ${id.name} is no map.`);
      }
      const { items, counts, childRuns } = await ctx.services.actions.mapItems(ctx.call, map, limit);
      const inOrder = items.toSorted((a, b) => a.index - b.index);
      return { itemCount: map.itemCount, counts, items: inOrder.map((item) => toItemJson(item, childRuns)) };
    }),

  /** How many actions of a run are in each phase; only those directly under `parent` where it is given. */
  actionCounts: procedure
    .input(ByName.extend({ parent: word("parent's name").optional() }))
    .query(async ({ ctx, input: { parent, ...run } }) => ({
      counts: await ctx.services.actions.counts(ctx.call, run, parent),
    })),
};
