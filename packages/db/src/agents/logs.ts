import type { AttemptId } from "@skein/contracts";
import type pg from "pg";

/** A piece of an attempt's log, with the SHA-256 of the token that its sender shows. */
export interface NewLogChunk extends AttemptId {
  readonly tokenHash: Uint8Array;
  readonly offset: number;
  readonly data: Uint8Array;
}

/** Who sends log chunks. */
export interface LogSender {
  readonly agentId: string;
  readonly pool: string;
}

/**
 * Stores the chunks whose token is right and whose attempt is the sender's, and answers how many those are. An attempt is its
 * claim's agent's, or, once the claim is gone, the one's that reported it. Sending a chunk again stores it once; a longer one
 * at the same offset replaces a shorter one.
 */
export async function appendLogChunks(db: pg.Pool, sender: LogSender, chunks: readonly NewLogChunk[]): Promise<number> {
  const { rows } = await db.query<{ count: number }>({
    name: "append-log-chunks",
    text: `with sent as (
             -- Twice the same place in one statement would make "do update" fail, so the longest stands for all.
             select distinct on (run_id, ordinal, attempt, "offset") *
             from unnest($1::uuid[], $2::int[], $3::int[], $4::text[], $5::bigint[], $6::text[])
               c(run_id, ordinal, attempt, token_hash, "offset", data)
             order by run_id, ordinal, attempt, "offset", length(data) desc
           ), allowed as (
             select s.run_id, s.ordinal, s.attempt, s."offset", decode(s.data, 'base64') as data
             from sent s join attempts a using (run_id, ordinal, attempt) left join claims c using (run_id, ordinal, attempt)
             where a.token_hash = decode(s.token_hash, 'hex') and a.pool = $8 and coalesce(c.agent_id, a.agent_id) = $7
           ), stored as (
             insert into log_chunks (run_id, ordinal, attempt, "offset", data)
             select run_id, ordinal, attempt, "offset", data from allowed
             on conflict (run_id, ordinal, attempt, "offset") do update set data = excluded.data
             where length(excluded.data) > length(log_chunks.data))
           select count(*)::int as count from allowed`,
    values: [
      chunks.map(({ runId }) => runId),
      chunks.map(({ ordinal }) => ordinal),
      chunks.map(({ attempt }) => attempt),
      chunks.map(({ tokenHash }) => Buffer.from(tokenHash).toString("hex")),
      chunks.map(({ offset }) => offset),
      chunks.map(({ data }) => Buffer.from(data).toString("base64")),
      sender.agentId,
      sender.pool,
    ],
  });
  return rows[0]?.count ?? 0;
}

/** No chunk is longer, so a chunk that reaches over an offset begins at most this far before it. */
const CHUNK_BYTES_MAX = 128 * 1024;
const CHUNKS_MAX = 200;

/**
 * Up to `bytesMax` bytes of a log from `offset` on. Where chunks overlap, each byte comes once; a gap (a chunk that has
 * not come yet) ends the answer.
 */
export async function readLogBytes(db: pg.Pool, id: AttemptId, offset: number, bytesMax: number): Promise<Buffer> {
  const { rows } = await db.query<{ offset: string; data: Buffer }>({
    name: "read-log-chunks",
    text: `select "offset", data from log_chunks
           where run_id = $1 and ordinal = $2 and attempt = $3
             and "offset" > $4::bigint - $5 and "offset" + length(data) > $4 order by "offset" limit $6`,
    values: [id.runId, id.ordinal, id.attempt, offset, CHUNK_BYTES_MAX, CHUNKS_MAX],
  });
  const parts: Buffer[] = [];
  let next = offset;
  for (const row of rows) {
    const start = Number(row.offset);
    if (start > next || next - offset >= bytesMax) break;
    const part = row.data.subarray(next - start);
    parts.push(part);
    next += part.length;
  }
  return Buffer.concat(parts).subarray(0, bytesMax);
}
