import type pg from "pg";

/** Why a run ends that cannot be advanced any more. */
export interface BrokenRun {
  readonly code: string;
  readonly message: string;
}

const OPEN = "phase not in ('succeeded', 'failed', 'aborted')";
const AT_NOW = "ended_at = greatest(now(), started_at), updated_at = now()";

/**
 * Ends a run without the engine, from rows alone: `failed` with a system error, or `aborted` where that was asked for
 * already. Its open attempts and actions are aborted first, and nothing that waits for it is left. Agents learn from
 * their heartbeats that its attempts are over, its child runs are asked to abort, and the run that it is a child of is
 * told, as is who wants to hear of its end. The version moves, so an advance that is under way writes nothing. Answers
 * false when the run is over already, or unknown.
 */
export async function endBrokenRun(pool: pg.Pool, runId: string, { code, message }: BrokenRun): Promise<boolean> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    await client.query("begin");
    const { rows } = await client.query<{ seq: string }>(
      `update runs set version = version + 1, changed_seq = changed_seq + 1, updated_at = now(),
         phase = case phase when 'aborting' then phase else 'failing' end,
         error_code = case when phase in ('failing', 'aborting') then error_code else $2 end,
         error_message = case when phase in ('failing', 'aborting') then error_message else $3 end,
         error_kind = case when phase in ('failing', 'aborting') then error_kind else 'system' end
       where id = $1 and ${OPEN} returning changed_seq as seq`,
      [runId, code, message],
    );
    for (const { seq } of rows) await endChildren(client, runId, seq);
    await client.query(
      `update runs set phase = case phase when 'aborting' then 'aborted' else 'failed' end::run_phase, ${AT_NOW}
       where id = $1 and phase in ('failing', 'aborting')`,
      [runId],
    );
    if (rows.length > 0) await tellOthers(client, runId);
    await client.query("commit");
    return rows.length > 0;
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    await client.query("rollback").catch(() => undefined);
    throw error;
  } finally {
    // A connection that failed in a transaction is not given to anybody else.
    client.release(failure);
  }
}

async function endChildren(client: pg.PoolClient, runId: string, seq: string): Promise<void> {
  await client.query(
    `update attempts set phase = 'aborted', ${AT_NOW}, changed_seq = $2 where run_id = $1 and ${OPEN}`,
    [runId, seq],
  );
  await client.query(
    `update actions set phase = 'aborted', ${AT_NOW}, changed_seq = $2 where run_id = $1 and ${OPEN} and phase <> 'skipped'`,
    [runId, seq],
  );
  for (const table of ["claims", "commands", "timers", "errands", "events"]) {
    await client.query(`delete from ${table} where run_id = $1`, [runId]);
  }
}

async function tellOthers(client: pg.PoolClient, runId: string): Promise<void> {
  await client.query(
    `insert into run_endings (run_id) select id from runs r where id = $1 and (has_notifications or exists (
       select from notification_rules n where n.org = r.org and n.project = r.project and n.domain in ('', r.domain)))
     on conflict do nothing`,
    [runId],
  );
  await client.query(
    `insert into events (run_id, shard, event)
     select id, shard, jsonb_build_object('type', 'runAbortRequested', 'atMs', $2::float8, 'cause', 'The run that launched this one has failed.',
       'principal', principal)
     from runs where parent_run_id = $1 and ${OPEN}`,
    [runId, Date.now()],
  );
  await client.query(
    `insert into events (run_id, shard, event)
     select p.id, p.shard, jsonb_build_object('type', 'childEnded', 'atMs', $2::float8, 'ordinal', r.parent_ordinal,
       'attempt', r.parent_attempt, 'phase', r.phase, 'failure', case r.phase when 'failed' then
         jsonb_build_object('code', r.error_code, 'message', r.error_message, 'kind', r.error_kind, 'recoverable', false) end)
     from runs r join runs p on p.id = r.parent_run_id
     where r.id = $1 and p.phase not in ('succeeded', 'failed', 'aborted')`,
    [runId, Date.now()],
  );
}
