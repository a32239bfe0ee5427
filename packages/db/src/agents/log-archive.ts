import type { AttemptId } from "@skein/contracts";
import type pg from "pg";
import { whileAlone } from "../while-alone.ts";

/** Where an attempt's log lies, apart from pieces that are rows. */
export interface LogPlace {
  /** Null until its pieces were put together. */
  readonly logUri: string | null;
  /** Bytes of that object. */
  readonly logBytes: number;
}

/** A log to put together, in the words of its place in the object store. */
export interface LogToArchive extends AttemptId, LogPlace {
  readonly project: string;
  readonly domain: string;
  readonly runName: string;
  readonly actionName: string;
  /** Where its last piece ends. */
  readonly endBytes: number;
}

/** A look at some of the logs that have pieces. */
export interface LogScan {
  readonly due: LogToArchive[];
  /** Where the next look begins; null when there are no more. */
  readonly next: AttemptId | null;
}

const FIRST: AttemptId = { runId: "00000000-0000-0000-0000-000000000000", ordinal: -1, attempt: -1 };

/**
 * Of the next `limit` attempts that have pieces of a log, those that are over and whose agents have been silent for
 * `quietMs`. One step of an index for each attempt, however many pieces it has.
 */
export async function scanLogs(db: pg.Pool, after: AttemptId | null, quietMs: number, limit: number): Promise<LogScan> {
  const { runId, ordinal, attempt } = after ?? FIRST;
  const { rows } = await db.query<LogToArchive & { isDue: boolean; logBytes: string | null; endBytes: string }>({
    name: "scan-logs",
    text: `with recursive logs as (
             (select run_id, ordinal, attempt from log_chunks
              where (run_id, ordinal, attempt) > ($1::uuid, $2::int, $3::int) order by run_id, ordinal, attempt limit 1)
             union all
             select n.run_id, n.ordinal, n.attempt from logs l cross join lateral (
               select c.run_id, c.ordinal, c.attempt from log_chunks c
               where (c.run_id, c.ordinal, c.attempt) > (l.run_id, l.ordinal, l.attempt)
               order by c.run_id, c.ordinal, c.attempt limit 1) n
           ), page as (select * from logs limit $5)
           select p.run_id as "runId", p.ordinal, p.attempt, r.project, r.domain, r.name as "runName", a.name as "actionName",
                  t.log_uri as "logUri", t.log_bytes as "logBytes", s.ends as "endBytes",
                  coalesce(t.ended_at < now() - $4 * interval '1 millisecond'
                           and s.written_at < now() - $4 * interval '1 millisecond', false) as "isDue"
           from page p
           left join attempts t on t.run_id = p.run_id and t.ordinal = p.ordinal and t.attempt = p.attempt
           left join actions a on a.run_id = p.run_id and a.ordinal = p.ordinal
           left join runs r on r.id = p.run_id
           left join lateral (
             -- Of a log that is still written nothing more need be known.
             select max("offset" + length(data)) as ends, max(written_at) as written_at from log_chunks c
             where c.run_id = p.run_id and c.ordinal = p.ordinal and c.attempt = p.attempt and t.ended_at is not null
           ) s on true
           order by p.run_id, p.ordinal, p.attempt`,
    values: [runId, ordinal, attempt, quietMs, limit],
  });
  const last = rows.at(-1);
  const due = rows.flatMap(({ isDue, logBytes, endBytes, ...row }) =>
    isDue ? [{ ...row, logBytes: Number(logBytes ?? 0), endBytes: Number(endBytes) }] : [],
  );
  const isEnd = !last || rows.length < limit;
  return { due, next: isEnd ? null : { runId: last.runId, ordinal: last.ordinal, attempt: last.attempt } };
}

/** Where the next piece behind `offset` begins; undefined when there is none. */
export async function findNextChunk(db: pg.Pool, id: AttemptId, offset: number): Promise<number | undefined> {
  const { rows } = await db.query<{ offset: string | null }>({
    name: "find-next-log-chunk",
    text: `select min("offset") as "offset" from log_chunks
           where run_id = $1 and ordinal = $2 and attempt = $3 and "offset" > $4`,
    values: [id.runId, id.ordinal, id.attempt, offset],
  });
  const next = rows[0]?.offset;
  return next === null || next === undefined ? undefined : Number(next);
}

/**
 * Notes that the log is an object of `sizeBytes` and deletes the pieces that are in it, in one statement. False, and
 * nothing is changed, when somebody else did so since the log was looked at.
 */
export async function recordArchivedLog(
  db: pg.Pool,
  { runId, ordinal, attempt, logUri }: LogToArchive,
  uri: string,
  sizeBytes: number,
): Promise<boolean> {
  const { rows } = await db.query<{ count: number }>({
    name: "record-archived-log",
    text: `with noted as (
             update attempts set log_uri = $5, log_bytes = $6
             where run_id = $1 and ordinal = $2 and attempt = $3 and log_uri is not distinct from $4 returning 1
           ), deleted as (
             delete from log_chunks
             where run_id = $1 and ordinal = $2 and attempt = $3 and "offset" + length(data) <= $6
               and exists (select from noted)
           )
           select count(*)::int as count from noted`,
    values: [runId, ordinal, attempt, logUri, uri, sizeBytes],
  });
  return rows[0]?.count === 1;
}

/** Undefined for an unknown attempt. */
export async function findLogPlace(db: pg.Pool, { runId, ordinal, attempt }: AttemptId): Promise<LogPlace | undefined> {
  const { rows } = await db.query<{ logUri: string | null; logBytes: string | null }>({
    name: "find-log-place",
    text: `select log_uri as "logUri", log_bytes as "logBytes" from attempts
           where run_id = $1 and ordinal = $2 and attempt = $3`,
    values: [runId, ordinal, attempt],
  });
  return rows[0] && { logUri: rows[0].logUri, logBytes: Number(rows[0].logBytes ?? 0) };
}

/** Archives logs unless another process is at it; false then. One at a time is fast enough, and two would do it twice. */
export const whileArchivingAlone = (db: pg.Pool, work: () => Promise<void>): Promise<boolean> =>
  whileAlone(db, "skein-archive-logs", work);
