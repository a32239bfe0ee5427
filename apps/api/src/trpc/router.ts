import { agentRouter } from "./agent.ts";
import { router } from "./base.ts";
import { systemRouter } from "./system.ts";

/** The typed API. Clients import its type; every procedure needs a row in the permission table. */
export const appRouter = router({
  agent: agentRouter,
  system: systemRouter,
});

export type AppRouter = typeof appRouter;
