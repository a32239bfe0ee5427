import { z } from "zod";
import type { AgentView } from "../agents/pool-service.ts";
import { procedure, router } from "./base.ts";
import { Page, pageOf, word } from "./inputs.ts";

const ById = z.object({ agentId: word("agent's id").max(128) });
const InPool = z.object({ pool: word("pool").max(63).optional(), isLive: z.boolean().optional() });

const toAgentJson = ({ startedAt, heartbeatAt, ...agent }: AgentView) => ({
  ...agent,
  startedAt: startedAt.toISOString(),
  heartbeatAt: heartbeatAt.toISOString(),
});

/** The agents, for people. What agents themselves ask is the router `agent`. */
export const agentsRouter = router({
  /** Agents that live or lived lately, with what they have and what they hold. */
  list: procedure.input(InPool.extend(Page.shape)).query(async ({ ctx, input: { limit, cursor, ...where } }) => {
    const agents = await ctx.services.pools.listAgents(where, { limit, offset: cursor });
    return pageOf(agents.map(toAgentJson), { limit, cursor });
  }),

  /** Asks an agent to take nothing more, or to take orders again. What it holds goes on. */
  cordon: procedure
    .input(ById.extend({ isCordoned: z.boolean() }))
    .mutation(async ({ ctx, input: { agentId, isCordoned } }) =>
      toAgentJson(await ctx.services.pools.cordon(agentId, isCordoned)),
    ),

  /** Cordons an agent. It can be taken away once `list` says that it is draining and holds nothing. */
  drain: procedure
    .input(ById)
    .mutation(async ({ ctx, input: { agentId } }) => toAgentJson(await ctx.services.pools.cordon(agentId, true))),
});

/** The pools: who serves them, and how much waits. */
export const poolsRouter = router({
  list: procedure.query(async ({ ctx }) => ({ items: await ctx.services.pools.listPools() })),
});
