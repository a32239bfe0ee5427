import { AppendLogsRequest, ClaimRequest, HeartbeatRequest, HeldRequest } from "@skein/contracts";
import { procedure, router } from "./base.ts";

/** The agent service (contracts: agent-link). */
export const agentRouter = router({
  claim: procedure.input(ClaimRequest).mutation(({ ctx, input }) => ctx.agents.claim(input)),
  heartbeat: procedure.input(HeartbeatRequest).mutation(({ ctx, input }) => ctx.agents.heartbeat(input)),
  held: procedure.input(HeldRequest).mutation(({ ctx, input }) => ctx.agents.held(input)),
  appendLogs: procedure
    .input(AppendLogsRequest)
    .mutation(({ ctx, input }) => ctx.agents.appendLogs(input, ctx.call.caller.pool ?? "")),
});
