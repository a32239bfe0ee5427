import type { CarryOut, ErrandTools } from "./errand.ts";

/** Looks a task's outputs up in the cache. */
export const checkCache =
  (_tools: ErrandTools): CarryOut =>
  async (errands) =>
    errands.map(({ ordinal }) => {
      const event = { type: "cacheChecked", ordinal, atMs: Date.now(), status: "lookup_failure", key: null } as const;
      return { type: "told", event };
    });
