import { sql } from "drizzle-orm";
import type { Db } from "../connect.ts";
import type { RUN_STATES } from "../schema/index.ts";

/**
 * Records the wish to abort a run as an event, unless the run is over; false then. Asking twice is harmless: the
 * scheduler's second event changes nothing. The row lock keeps the run from ending in between.
 */
export async function insertAbortRequest(
  db: Db,
  runId: string,
  request: { readonly cause: string; readonly principal: string; readonly atMs: number },
): Promise<boolean> {
  const event = JSON.stringify({ type: "runAbortRequested", ...request });
  const result = await db.execute(sql`
    with run as (
      update runs set changed_seq = changed_seq + 1
      where id = ${runId}::uuid and phase not in ('succeeded', 'failed', 'aborted')
      returning id, shard
    ), event as (
      insert into events (run_id, shard, event) select id, shard, ${event}::jsonb from run
    )
    select id from run`);
  return result.rows.length > 0;
}

export type RunState = (typeof RUN_STATES)[number];

/** Archives a run or brings it back; its work goes on untouched. */
export async function setRunState(db: Db, runId: string, state: RunState, changedBy: string): Promise<void> {
  await db.execute(sql`
    update runs
    set state = ${state}::run_state, state_changed_by = ${changedBy}, state_changed_at = now(), updated_at = now(),
        changed_seq = changed_seq + 1
    where id = ${runId}::uuid`);
}
