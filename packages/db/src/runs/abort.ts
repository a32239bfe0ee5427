import { sql } from "drizzle-orm";
import type { Db } from "../connect.ts";
import type { RUN_STATES } from "../schema/index.ts";
import { askedWithEagerRuns } from "./eager-runs.ts";

const ASKED = sql.raw(
  askedWithEagerRuns(
    "select r.id, r.project, r.domain, r.name from target t join runs r on r.id = t.id where r.phase not in ('succeeded', 'failed', 'aborted')",
  ),
);

/**
 * Records the wish to abort a run, and the runs that eager tasks of it launched, as events, unless the run is over;
 * false then. Asking twice is harmless: the scheduler's second event changes nothing. The row lock keeps the run from
 * ending in between.
 */
export async function insertAbortRequest(
  db: Pick<Db, "execute">,
  runId: string,
  request: { readonly cause: string; readonly principal: string; readonly atMs: number },
): Promise<boolean> {
  const event = JSON.stringify({ type: "runAbortRequested", ...request });
  const result = await db.execute(sql`
    with recursive target as (select ${runId}::uuid as id), ${ASKED}, run as (
      update runs set changed_seq = changed_seq + 1 from asked
      where runs.id = asked.id and phase not in ('succeeded', 'failed', 'aborted')
      returning runs.id, shard
    ), event as (
      insert into events (run_id, shard, event) select id, shard, ${event}::jsonb from run
    )
    select id from run where id = ${runId}::uuid`);
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
