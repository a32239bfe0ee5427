import type { AttemptId } from "@skein/contracts";
import type pg from "pg";

export interface LostClaim {
  readonly id: AttemptId;
  readonly agentId: string;
}

/** Claims in the shards on attempts that are not over, whose agent's lease ran out, or whose agent is unknown. */
export async function readLostClaims(pool: pg.Pool, shards: readonly number[], limit: number): Promise<LostClaim[]> {
  const { rows } = await pool.query<AttemptId & { agentId: string }>({
    name: "read-lost-claims",
    text: `select c.run_id as "runId", c.ordinal, c.attempt, c.agent_id as "agentId"
           from claims c left join agents g on g.id = c.agent_id join attempts a using (run_id, ordinal, attempt)
           where c.shard = any($1::smallint[]) and (g.id is null or g.lease_expires_at < now())
             and a.phase not in ('succeeded', 'failed', 'aborted')
           limit $2`,
    values: [shards, limit],
  });
  return rows.map(({ agentId, ...id }) => ({ id, agentId }));
}

/**
 * Deletes what lost agents left on attempts that are over, and answers how many claims that were. A claim that is made
 * while its attempt ends is not seen by the commit that ends it; a live agent gives it back by its heartbeats.
 */
export async function deleteEndedClaims(pool: pg.Pool, shards: readonly number[], limit: number): Promise<number> {
  const { rowCount } = await pool.query({
    name: "delete-ended-claims",
    text: `delete from claims where (run_id, ordinal, attempt) in (
             select c.run_id, c.ordinal, c.attempt
             from claims c left join agents g on g.id = c.agent_id left join attempts a using (run_id, ordinal, attempt)
             where c.shard = any($1::smallint[]) and (g.id is null or g.lease_expires_at < now())
               and (a.phase is null or a.phase in ('succeeded', 'failed', 'aborted'))
             limit $2)`,
    values: [shards, limit],
  });
  return rowCount ?? 0;
}
