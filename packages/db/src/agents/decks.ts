import type { AttemptId } from "@skein/contracts";
import type pg from "pg";

/** Where an attempt stands, in the words of its place in the object store. */
export interface HeldPlace extends AttemptId {
  readonly project: string;
  readonly domain: string;
  readonly runName: string;
  readonly actionName: string;
}

/** Of the given attempts, those that the agent holds. */
export async function findHeldPlaces(db: pg.Pool, agentId: string, ids: readonly AttemptId[]): Promise<HeldPlace[]> {
  const { rows } = await db.query<HeldPlace>({
    name: "find-held-places",
    text: `select run_id as "runId", ordinal, attempt, r.project, r.domain, r.name as "runName", a.name as "actionName"
           from unnest($2::uuid[], $3::int[], $4::int[]) w(run_id, ordinal, attempt)
           join claims c using (run_id, ordinal, attempt) join actions a using (run_id, ordinal) join runs r on r.id = run_id
           where c.agent_id = $1`,
    values: [
      agentId,
      ids.map(({ runId }) => runId),
      ids.map(({ ordinal }) => ordinal),
      ids.map(({ attempt }) => attempt),
    ],
  });
  return rows;
}

/**
 * Notes the deck of an action whose latest attempt this is; false when nothing changed. The run's row is locked first,
 * as every commit of the scheduler does.
 */
export async function recordDeck(
  db: pg.Pool,
  { runId, ordinal, attempt }: AttemptId,
  deckUri: string,
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: "record-deck",
    text: `with run as (
             update runs set changed_seq = changed_seq + 1
             where id = $1 and exists (
               select from actions where run_id = $1 and ordinal = $2 and attempts = $3 + 1 and deck_uri is distinct from $4)
             returning id, changed_seq
           )
           update actions a set deck_uri = $4, changed_seq = run.changed_seq, updated_at = now()
           from run where a.run_id = run.id and a.ordinal = $2`,
    values: [runId, ordinal, attempt, deckUri],
  });
  return (rowCount ?? 0) > 0;
}
