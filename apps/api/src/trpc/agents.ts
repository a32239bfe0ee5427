import { z } from "zod";
import type { AgentView } from "../agents/pool-service.ts";
import { storableText } from "../registry/identity.ts";
import { procedure, router } from "./base.ts";
import { Page, pageOf, word } from "./inputs.ts";

const ById = z.object({ agentId: word("agent's id").max(128) });
const PoolName = word("pool").max(63);
const Share = z.object({
  pool: PoolName,
  project: word("project's id"),
  weight: z.int().min(1).max(1_000).default(1),
  /** Null for any number. */
  runningMax: z.int().min(0).max(1_000_000).nullable().default(null),
});
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

  /** How projects share pools, where somebody decided about it. All others have weight 1 and no limit. */
  shares: procedure
    .input(z.object({ pool: PoolName.optional() }).default({}))
    .query(async ({ ctx, input }) => ({ items: await ctx.services.pools.listShares(input.pool) })),

  /** A project with weight 2 gets twice as many places as one with 1; `runningMax` limits its attempts under way. */
  setShare: procedure.input(Share).mutation(async ({ ctx, input }) => {
    await ctx.services.pools.setShare(input, storableText(ctx.call.caller.subject));
    return input;
  }),

  clearShare: procedure.input(Share.pick({ pool: true, project: true })).mutation(async ({ ctx, input }) => {
    await ctx.services.pools.clearShare(input.pool, input.project);
    return input;
  }),
});
