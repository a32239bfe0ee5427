import { UNLIMITED } from "@skein/contracts";
import {
  type AgentRow,
  type Db,
  deletePoolShare,
  findProject,
  listAgents,
  listPools,
  type PoolRow,
  type PoolShare,
  readPoolShares,
  setCordon,
  setPoolShare,
} from "@skein/db";
import { SkeinError } from "@skein/errors";

/** An agent; null stands for no limit. */
export type AgentView = Omit<AgentRow, "cpuMillis" | "memoryMiB" | "gpus"> & {
  readonly cpuMillis: number | null;
  readonly memoryMiB: number | null;
  readonly gpus: number | null;
};

/** What people see of pools and of the agents that serve them. */
export interface PoolService {
  listAgents(
    where: { readonly pool?: string | undefined; readonly isLive?: boolean | undefined },
    page: { readonly limit: number; readonly offset: number },
  ): Promise<AgentView[]>;
  listPools(): Promise<PoolRow[]>;
  /** The agent hears of it with its next heartbeat; what it holds goes on. */
  cordon(agentId: string, isCordoned: boolean): Promise<AgentView>;
  /** What was decided about how projects share pools. */
  listShares(pool: string | undefined): Promise<PoolShare[]>;
  setShare(share: PoolShare, updatedBy: string): Promise<void>;
  /** The project shares the pool as one does of which nobody decided anything. */
  clearShare(pool: string, project: string): Promise<void>;
}

export function poolService(db: Db): PoolService {
  const pool = db.$client;
  return {
    listAgents: async (where, page) => (await listAgents(pool, where, page)).map(toView),
    listPools: () => listPools(pool),
    async cordon(agentId, isCordoned) {
      const agent = await setCordon(pool, agentId, isCordoned);
      if (agent) return toView(agent);
      throw new SkeinError("not_found", "agent_not_found", `There is no agent ${agentId}.`);
    },
    listShares: (name) => readPoolShares(pool, name ?? null),
    async setShare(share, updatedBy) {
      if (!(await findProject(db, share.project))) {
        throw new SkeinError("not_found", "project_not_found", `Project ${share.project} does not exist.`);
      }
      await setPoolShare(pool, share, updatedBy);
    },
    async clearShare(name, project) {
      await deletePoolShare(pool, name, project);
    },
  };
}

const toView = (agent: AgentRow): AgentView => ({
  ...agent,
  cpuMillis: limitOf(agent.cpuMillis),
  memoryMiB: limitOf(agent.memoryMiB),
  gpus: limitOf(agent.gpus),
});

const limitOf = (amount: number): number | null => (amount === UNLIMITED ? null : amount);
