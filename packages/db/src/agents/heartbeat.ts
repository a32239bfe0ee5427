import type { AttemptId, HeartbeatRequest, HeartbeatResponse } from "@skein/contracts";
import type pg from "pg";

export interface HeartbeatResult extends HeartbeatResponse {
  /** A live agent of another pool has this id; nothing was written. */
  readonly isForeign: boolean;
  /** Events were inserted: wake the scheduler. */
  readonly hasEvents: boolean;
}

interface VerdictRow extends AttemptId {
  readonly verdict: "stop" | "settled" | "lost";
}

const HEARTBEAT = `
with beat as (
  insert into agents (id, pool, runtime, version, slots, cpu_millis, memory_mib, gpus, draining, heartbeat_at, lease_expires_at, labels)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now(), now() + $10 * interval '1 millisecond', $15)
  on conflict (id) do update set pool = excluded.pool, runtime = excluded.runtime, version = excluded.version,
    slots = excluded.slots, cpu_millis = excluded.cpu_millis, memory_mib = excluded.memory_mib, gpus = excluded.gpus,
    draining = excluded.draining, heartbeat_at = excluded.heartbeat_at, lease_expires_at = excluded.lease_expires_at,
    labels = excluded.labels
  -- An agent of one pool must not speak for an agent of another.
  where agents.pool = excluded.pool or agents.lease_expires_at < now()
  returning id, is_cordoned
), held as (
  select * from unnest($11::uuid[], $12::int[], $13::int[]) h(run_id, ordinal, attempt)
), judged as (
  select h.*, a.phase from held h left join attempts a using (run_id, ordinal, attempt)
  where a.phase is null or a.phase in ('aborting', 'succeeded', 'failed', 'aborted')
), forgotten as (
  -- Claimed by this agent long ago, yet it knows nothing of it: the answer or the agent's disk was lost.
  select c.run_id, c.ordinal, c.attempt, c.shard, a.phase
  from claims c join attempts a using (run_id, ordinal, attempt)
  where c.agent_id = $1 and c.claimed_at < now() - $14 * interval '1 millisecond'
    and not exists (select from held h where (h.run_id, h.ordinal, h.attempt) = (c.run_id, c.ordinal, c.attempt))
), freed as (
  delete from claims c using (
    select run_id, ordinal, attempt from judged where phase is distinct from 'aborting'
    union all select run_id, ordinal, attempt from forgotten) gone
  where (c.run_id, c.ordinal, c.attempt) = (gone.run_id, gone.ordinal, gone.attempt)
    and c.agent_id = $1 and exists (select from beat)
  returning c.run_id, c.ordinal, c.attempt
), told as (
  insert into events (run_id, shard, event)
  select f.run_id, f.shard, jsonb_build_object(
    'type', case f.phase when 'aborting' then 'attemptStopped' else 'attemptLost' end,
    'atMs', floor(extract(epoch from clock_timestamp()) * 1000), 'ordinal', f.ordinal, 'attempt', f.attempt,
    'message', 'agent ' || $1 || ' knows nothing of this attempt any more')
  from forgotten f join freed using (run_id, ordinal, attempt) where f.phase in ('running', 'aborting')
  returning run_id
)
select run_id as "runId", ordinal, attempt, case phase when 'aborting' then 'stop' else 'settled' end as verdict
from judged where exists (select from beat)
union all select run_id, 0, 0, 'lost' from told
union all select null, 0, 0, 'cordoned' from beat where is_cordoned
union all select null, 0, 0, 'foreign' where not exists (select from beat)`;

/**
 * Extends the agent's lease and answers what it should do about the attempts it holds, in one statement. A claim that
 * the agent does not mention for `forgottenAfterMs` is given up: a queued attempt can be claimed again, a running one
 * is reported as lost.
 */
export async function recordHeartbeat(
  db: pg.Pool,
  request: HeartbeatRequest,
  limits: { readonly leaseMs: number; readonly forgottenAfterMs: number },
): Promise<HeartbeatResult> {
  const { capacity, attempts } = request;
  const { rows } = await db.query<VerdictRow | { verdict: "foreign" | "cordoned" }>({
    name: "record-heartbeat",
    text: HEARTBEAT,
    values: [
      request.agentId,
      request.pool,
      request.runtime,
      request.version,
      capacity.slots,
      capacity.cpuMillis,
      capacity.memoryMiB,
      capacity.gpus,
      request.draining,
      limits.leaseMs,
      attempts.map(({ runId }) => runId),
      attempts.map(({ ordinal }) => ordinal),
      attempts.map(({ attempt }) => attempt),
      limits.forgottenAfterMs,
      JSON.stringify(request.labels),
    ],
  });
  const chosen = (verdict: "stop" | "settled"): AttemptId[] =>
    rows.flatMap((row) =>
      row.verdict === verdict ? [{ runId: row.runId, ordinal: row.ordinal, attempt: row.attempt }] : [],
    );
  return {
    stop: chosen("stop"),
    settled: chosen("settled"),
    isCordoned: rows.some(({ verdict }) => verdict === "cordoned"),
    isForeign: rows.some(({ verdict }) => verdict === "foreign"),
    hasEvents: rows.some(({ verdict }) => verdict === "lost"),
  };
}
