import { AppendLogsRequest, ClaimRequest, HeartbeatRequest } from "@skein/contracts";
import { procedure, router } from "./base.ts";

/** The agent service (contracts: agent-link). */
export const agentRouter = router({
  claim: procedure.input(ClaimRequest).mutation(({ ctx, input }) => ctx.agents.claim(input)),
  heartbeat: procedure.input(HeartbeatRequest).mutation(({ ctx, input }) => ctx.agents.heartbeat(input)),
  appendLogs: procedure
    .input(AppendLogsRequest)
    .mutation(({ ctx, input }) => ctx.agents.appendLogs(input, ctx.call.caller.pool ?? "")),
});
