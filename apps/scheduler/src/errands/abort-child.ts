import { type CarryOut, type ErrandTools, outcomeOfDefect } from "./errand.ts";

/** Asks a child run to abort. */
export const abortChild =
  (_tools: ErrandTools): CarryOut =>
  async (errands) =>
    errands.map((errand) => ({
      type: "told",
      event: outcomeOfDefect(errand, "Child runs cannot be aborted.", Date.now()),
    }));
