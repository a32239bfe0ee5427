import { type CarryOut, type ErrandTools, outcomeOfDefect } from "./errand.ts";

/** Starts the run of a launch plan's action. */
export const launchChild =
  (_tools: ErrandTools): CarryOut =>
  async (errands) =>
    errands.map((errand) => ({
      type: "told",
      event: outcomeOfDefect(errand, "Child runs cannot be launched.", Date.now()),
    }));
