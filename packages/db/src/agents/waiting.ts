import type { HeartbeatRequest, WaitingNote } from "@skein/contracts";
import type pg from "pg";

type Sender = Pick<HeartbeatRequest, "agentId" | "pool">;

/**
 * Notes why attempts wait that are queued and the sender's: claimed by it, or by nobody in its pool. True when that is
 * news, which those who watch the runs then see. A run's row is locked first, as every commit of the scheduler does, and
 * one run at a time, so that no two of them wait for each other.
 */
export async function recordWaiting(db: pg.Pool, sender: Sender, notes: readonly WaitingNote[]): Promise<boolean> {
  const byRun = Map.groupBy(notes, ({ runId }) => runId);
  let hasNews = false;
  for (const [runId, ofRun] of byRun) hasNews = (await recordOfRun(db, sender, runId, ofRun)) || hasNews;
  return hasNews;
}

const RECORD_WAITING = `
with told as (
  select distinct on (ordinal, attempt) ordinal, attempt, nullif(reason, '') as reason
  from unnest($2::int[], $3::int[], $4::text[]) with ordinality n(ordinal, attempt, reason, place)
  order by ordinal, attempt, place desc
), news as (
  select t.* from told t
  join attempts a on a.run_id = $1 and a.ordinal = t.ordinal and a.attempt = t.attempt
  left join claims c on c.run_id = $1 and c.ordinal = t.ordinal and c.attempt = t.attempt
  where a.phase = 'queued' and a.pool = $6 and coalesce(c.agent_id, $5) = $5 and a.waiting_reason is distinct from t.reason
), run as (
  update runs set changed_seq = changed_seq + 1 where id = $1 and exists (select from news) returning id, changed_seq
), noted as (
  update attempts a set waiting_reason = news.reason, changed_seq = run.changed_seq, updated_at = now()
  from news, run where a.run_id = run.id and a.ordinal = news.ordinal and a.attempt = news.attempt
)
update actions a set changed_seq = run.changed_seq, updated_at = now()
from news, run where a.run_id = run.id and a.ordinal = news.ordinal`;

async function recordOfRun(
  db: pg.Pool,
  { agentId, pool }: Sender,
  runId: string,
  notes: readonly WaitingNote[],
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: "record-waiting",
    text: RECORD_WAITING,
    values: [
      runId,
      notes.map(({ ordinal }) => ordinal),
      notes.map(({ attempt }) => attempt),
      notes.map(({ reason }) => reason),
      agentId,
      pool,
    ],
  });
  return (rowCount ?? 0) > 0;
}
