import type pg from "pg";

/** The answer to gates of one run that ask for the same signal. */
export interface GateAnswer {
  readonly runId: string;
  /** Serialized `flyteidl.core.Literal`. */
  readonly value: Uint8Array;
  /** What an answer to a yes or no says. */
  readonly isApproved: boolean;
  readonly principal: string;
  readonly atMs: number;
  readonly gates: readonly {
    readonly ordinal: number;
    /** Serialized `flyteidl.core.LiteralMap`: what the gate hands out. Not used for a yes or no. */
    readonly outputs: Uint8Array;
  }[];
}

/**
 * Answers those of the gates that still wait, and tells the scheduler: all in one statement, so that of two answers the first
 * one wins and no gate is answered by halves. Says which gates took it.
 */
export async function answerGates(pool: pg.Pool, answer: GateAnswer): Promise<number[]> {
  const { rows } = await pool.query<{ ordinal: number }>({
    name: "answer-gates",
    text: `with given as (
             select ordinal, decode(outputs, 'hex') as outputs from unnest($2::int[], $3::text[]) g(ordinal, outputs)
           ), answered as (
             update signals s set value = $4::bytea, set_by = $5, set_at = now()
             from given g, actions a
             where s.run_id = $1 and s.ordinal = g.ordinal and s.value is null
               and a.run_id = s.run_id and a.ordinal = s.ordinal and a.ended_at is null
             returning s.ordinal, s.is_approval, g.outputs
           ), handed_out as (
             insert into action_values (run_id, ordinal, side, data, size_bytes)
             select $1::uuid, ordinal, 'outputs', outputs, length(outputs) from answered where not is_approval
             on conflict do nothing
           ), told as (
             insert into events (run_id, shard, event)
             select r.id, r.shard, jsonb_build_object(
               'type', 'signalSet', 'atMs', $6::bigint, 'ordinal', answered.ordinal, 'principal', $5::text,
               'approved', case when answered.is_approval then $7::boolean end)
             from answered join runs r on r.id = $1)
           select ordinal from answered`,
    values: [
      answer.runId,
      answer.gates.map(({ ordinal }) => ordinal),
      answer.gates.map(({ outputs }) => Buffer.from(outputs).toString("hex")),
      Buffer.from(answer.value),
      answer.principal,
      answer.atMs,
      answer.isApproved,
    ],
  });
  return rows.map(({ ordinal }) => ordinal);
}
