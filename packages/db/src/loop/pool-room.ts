import type { AttemptId } from "@skein/contracts";
import type pg from "pg";

/** How the reason begins of an attempt that no agent of its pool could ever make. */
export const TOO_LARGE = "No agent is large enough";

/** The live agents of a pool. */
export interface PoolRoom {
  readonly pool: string;
  readonly agents: readonly AgentRoom[];
}

/** What an agent has in all. */
export interface AgentRoom {
  /** It takes orders. */
  readonly isOpen: boolean;
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  readonly gpus: number;
}

/** The live agents of the pools. A pool without one is missing. */
export async function readPoolRoom(db: pg.Pool, pools: readonly string[]): Promise<PoolRoom[]> {
  const { rows } = await db.query<PoolRoom>({
    name: "read-pool-room",
    text: `select pool, jsonb_agg(jsonb_build_object('isOpen', not draining and not is_cordoned,
                    'cpuMillis', cpu_millis, 'memoryMiB', memory_mib, 'gpus', gpus)) as agents
           from agents where pool = any($1) and lease_expires_at > now() group by pool`,
    values: [pools],
  });
  return rows;
}

/** Why an attempt that nobody claimed waits; null when there is nothing to say any more. */
export interface WaitingReason {
  readonly id: AttemptId;
  readonly reason: string | null;
  /** Only where this still stands there; anything is replaced unless told. */
  readonly before?: string;
}

/** Notes why attempts wait, as long as they do. */
export async function writeWaitingReasons(db: pg.Pool, reasons: readonly WaitingReason[]): Promise<void> {
  if (reasons.length === 0) return;
  await db.query({
    name: "write-waiting-reasons",
    text: `update attempts a set waiting_reason = w.reason, updated_at = now()
           from unnest($1::uuid[], $2::int[], $3::int[], $4::text[], $5::text[]) w(run_id, ordinal, attempt, reason, before)
           where a.run_id = w.run_id and a.ordinal = w.ordinal and a.attempt = w.attempt and a.phase = 'queued'
             and (w.before is null or a.waiting_reason = w.before) and a.waiting_reason is distinct from w.reason`,
    values: [
      reasons.map(({ id }) => id.runId),
      reasons.map(({ id }) => id.ordinal),
      reasons.map(({ id }) => id.attempt),
      reasons.map(({ reason }) => reason),
      reasons.map(({ before }) => before ?? null),
    ],
  });
}
