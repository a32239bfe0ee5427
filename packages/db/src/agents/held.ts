import type { AttemptId, OrderKind } from "@skein/contracts";
import type pg from "pg";
import { CLAIMED_COLUMNS, type ClaimedAttempt, type ClaimedRow, claimedTables, toClaimed } from "./claims.ts";

/** A claim that an agent holds, on an attempt that is not over. */
export interface HeldClaim {
  readonly id: AttemptId;
  readonly kind: OrderKind;
  readonly shard: number;
  /** Null until the agent reported that it runs. */
  readonly startedAtMs: number | null;
  readonly claimed: ClaimedAttempt;
}

interface HeldRow extends ClaimedRow, AttemptId {
  readonly kind: OrderKind;
  readonly shard: number;
  readonly startedAtMs: number | null;
}

const READ_HELD_CLAIMS = `
select c.run_id as "runId", c.ordinal, c.attempt, t.kind, t.shard,
       floor(extract(epoch from t.started_at) * 1000)::float8 as "startedAtMs", ${CLAIMED_COLUMNS}
from claims c join attempts t using (run_id, ordinal, attempt) join runs r on r.id = c.run_id
${claimedTables("c.ordinal")}
where c.agent_id = $1 and t.pool = $2 and t.phase in ('queued', 'running', 'aborting')
  and ($3::uuid is null or (c.run_id, c.ordinal, c.attempt) > ($3, $4::int, $5::int))
order by c.run_id, c.ordinal, c.attempt limit $6`;

/** A page of what an agent of the pool holds, in the order of the ids, from behind `after` on. */
export async function readHeldClaims(
  db: pg.Pool,
  agent: { readonly id: string; readonly pool: string },
  after: AttemptId | null,
  limit: number,
): Promise<HeldClaim[]> {
  const { rows } = await db.query<HeldRow>({
    name: "read-held-claims",
    text: READ_HELD_CLAIMS,
    values: [agent.id, agent.pool, after?.runId, after?.ordinal, after?.attempt, limit],
  });
  return rows.map(({ runId, ordinal, attempt, kind, shard, startedAtMs, ...row }) => ({
    id: { runId, ordinal, attempt },
    kind,
    shard,
    startedAtMs,
    claimed: toClaimed(row),
  }));
}
