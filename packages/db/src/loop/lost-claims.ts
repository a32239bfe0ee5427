import type { AttemptId } from "@skein/contracts";
import type pg from "pg";

export interface LostClaim {
  readonly id: AttemptId;
  readonly agentId: string;
}

/** Claims in the shards whose agent's lease ran out, or whose agent is unknown. */
export async function readLostClaims(pool: pg.Pool, shards: readonly number[], limit: number): Promise<LostClaim[]> {
  const { rows } = await pool.query<AttemptId & { agentId: string }>({
    name: "read-lost-claims",
    text: `select c.run_id as "runId", c.ordinal, c.attempt, c.agent_id as "agentId"
           from claims c left join agents a on a.id = c.agent_id
           where c.shard = any($1::smallint[]) and (a.id is null or a.lease_expires_at < now()) limit $2`,
    values: [shards, limit],
  });
  return rows.map(({ agentId, ...id }) => ({ id, agentId }));
}
