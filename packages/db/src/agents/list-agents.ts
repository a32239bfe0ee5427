import type pg from "pg";

/** An agent as people see it. */
export interface AgentRow {
  readonly id: string;
  readonly pool: string;
  readonly runtime: string;
  readonly version: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly slots: number;
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  readonly gpus: number;
  /** Attempts that it claimed and that are not settled. */
  readonly held: number;
  readonly isCordoned: boolean;
  readonly isDraining: boolean;
  /** Its lease holds. */
  readonly isLive: boolean;
  readonly startedAt: Date;
  readonly heartbeatAt: Date;
}

const AGENT = `id, pool, runtime, version, labels, slots, cpu_millis as "cpuMillis", memory_mib as "memoryMiB", gpus,
  (select count(*) from claims c where c.agent_id = agents.id)::int as held, is_cordoned as "isCordoned",
  draining as "isDraining", lease_expires_at > now() as "isLive", started_at as "startedAt", heartbeat_at as "heartbeatAt"`;

/** Agents that live or lived lately, by pool and name. */
export async function listAgents(
  db: pg.Pool,
  where: { readonly pool?: string | undefined; readonly isLive?: boolean | undefined },
  page: { readonly limit: number; readonly offset: number },
): Promise<AgentRow[]> {
  const { rows } = await db.query<AgentRow>({
    name: "list-agents",
    text: `select ${AGENT} from agents
           where ($1::text is null or pool = $1) and ($2::boolean is null or (lease_expires_at > now()) = $2)
           order by pool, id limit $3 offset $4`,
    values: [where.pool ?? null, where.isLive ?? null, page.limit, page.offset],
  });
  return rows;
}

/** Asks an agent to take nothing more, or to take orders again; undefined for an unknown one. */
export async function setCordon(db: pg.Pool, agentId: string, isCordoned: boolean): Promise<AgentRow | undefined> {
  const { rows } = await db.query<AgentRow>({
    name: "set-cordon",
    text: `update agents set is_cordoned = $2 where id = $1 returning ${AGENT}`,
    values: [agentId, isCordoned],
  });
  return rows[0];
}

/** A pool as people see it: its live agents and what waits for them. */
export interface PoolRow {
  readonly pool: string;
  readonly agents: number;
  /** Of these, those that take orders. */
  readonly openAgents: number;
  /** Of the open ones. */
  readonly slots: number;
  /** Attempts that its agents hold. */
  readonly held: number;
  /** Attempts that nobody claimed. */
  readonly queued: number;
}

/** Every pool that has an agent or an attempt that waits. */
export async function listPools(db: pg.Pool): Promise<PoolRow[]> {
  const { rows } = await db.query<PoolRow>({
    name: "list-pools",
    text: `with served as (
             select pool, count(*) filter (where lease_expires_at > now())::int as agents,
                    count(*) filter (where lease_expires_at > now() and not draining and not is_cordoned)::int as open,
                    coalesce(sum(slots) filter (where lease_expires_at > now() and not draining and not is_cordoned), 0)::int
                      as slots,
                    coalesce(sum((select count(*) from claims c where c.agent_id = agents.id)), 0)::int as held
             from agents group by pool
           ), waiting as (
             select a.pool, count(*)::int as queued from attempts a
             where a.phase = 'queued'
               and not exists (select from claims c where (c.run_id, c.ordinal, c.attempt) = (a.run_id, a.ordinal, a.attempt))
             group by a.pool
           )
           select pool, coalesce(agents, 0) as agents, coalesce(open, 0) as "openAgents", coalesce(slots, 0) as slots,
                  coalesce(held, 0) as held, coalesce(queued, 0) as queued
           from served full join waiting using (pool) order by pool`,
  });
  return rows;
}
