import { procedure, router } from "./base.ts";

/** The server about itself. */
export const systemRouter = router({
  version: procedure.query(({ ctx }) => ctx.system.version),
  health: procedure.query(async ({ ctx }) => ({ status: (await ctx.system.isReady()) ? "ready" : "not ready" })),
});
