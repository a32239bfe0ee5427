import type { AttemptId, OrderKind } from "@skein/contracts";
import type pg from "pg";
import { TOO_LARGE } from "./pool-room.ts";
import type { CommandRow } from "./run-advance.ts";

/** An order to publish, as rows know it; the token is rebuilt and small inputs are attached by the caller. */
export interface PendingOrder {
  readonly id: AttemptId;
  readonly shard: number;
  readonly pool: string;
  readonly kind: OrderKind;
}

interface PendingRow {
  readonly commandId: string;
  readonly runId: string;
  readonly ordinal: number;
  readonly attempt: number;
  readonly shard: number;
  readonly pool: string;
  readonly kind: OrderKind;
}

const toPending = ({ runId, ordinal, attempt, shard, pool, kind }: PendingRow): PendingOrder => ({
  id: { runId, ordinal, attempt },
  shard,
  pool,
  kind,
});

/**
 * The next commands of one kind in a pool, in the order they should be published: priority, then age. `known` are commands that the
 * caller is publishing right now.
 */
export async function readCommands(
  db: pg.Pool,
  pool: string,
  kind: OrderKind,
  shards: readonly number[],
  known: readonly number[],
  limit: number,
): Promise<(PendingOrder & CommandRow)[]> {
  const { rows } = await db.query<PendingRow>({
    name: "read-commands",
    text: `select id as "commandId", run_id as "runId", ordinal, attempt, shard, pool, kind from commands
           where pool = $1 and kind = $2 and shard = any($3::smallint[]) and id <> all($4::bigint[])
           order by priority desc, id limit $5`,
    values: [pool, kind, shards, known, limit],
  });
  return rows.map((row) => ({ ...toPending(row), commandId: Number(row.commandId) }));
}

/** Pools that have commands waiting in the shards. */
export async function readPoolsWithCommands(db: pg.Pool, shards: readonly number[]): Promise<string[]> {
  const { rows } = await db.query<{ pool: string }>(
    "select distinct pool from commands where shard = any($1::smallint[])",
    [shards],
  );
  return rows.map(({ pool }) => pool);
}

/** Forgets commands whose orders are in the queue now. */
export async function deleteCommands(db: pg.Pool, commandIds: readonly number[]): Promise<void> {
  await db.query({
    name: "delete-commands",
    text: "delete from commands where id = any($1::bigint[])",
    values: [commandIds],
  });
}

/**
 * Attempts that have been in the queue for `ageMs` and that nobody claimed: the queue may have lost them, or nobody has
 * room yet. They are stamped and answered, to be published again under the same job id, where a copy that is still
 * there swallows the new one.
 */
export async function takeUnclaimed(
  db: pg.Pool,
  shards: readonly number[],
  ageMs: number,
  limit: number,
): Promise<PendingOrder[]> {
  const { rows } = await db.query<PendingRow>({
    name: "take-unclaimed",
    text: `with late as (
             select a.run_id, a.ordinal, a.attempt from attempts a
             where a.phase = 'queued' and a.shard = any($1::smallint[])
               and coalesce(a.republished_at, a.queued_at) < now() - $2 * interval '1 millisecond'
               and not exists (select from claims c where c.run_id = a.run_id and c.ordinal = a.ordinal and c.attempt = a.attempt)
               and not exists (select from commands c where c.run_id = a.run_id and c.ordinal = a.ordinal and c.attempt = a.attempt)
             order by a.queued_at limit $3)
           update attempts a set republished_at = now() from late l
           where a.run_id = l.run_id and a.ordinal = l.ordinal and a.attempt = l.attempt
           returning 0 as "commandId", a.run_id as "runId", a.ordinal, a.attempt, a.shard, a.pool, a.kind`,
    values: [shards, ageMs, limit],
  });
  return rows.map(toPending);
}

/**
 * How many attempts of one kind are in the queue, claimed by nobody: all that are queued less those whose command still
 * waits, and those that no agent is large enough for, which must not keep the others out.
 */
export async function countPublished(db: pg.Pool, pool: string, kind: OrderKind): Promise<number> {
  const { rows } = await db.query<{ count: number }>({
    name: "count-published",
    text: `select (select count(*) from attempts where phase = 'queued' and pool = $1 and kind = $2
                      and (waiting_reason is null or waiting_reason not like '${TOO_LARGE}%'))::int
                - (select count(*) from commands where pool = $1 and kind = $2)::int as count`,
    values: [pool, kind],
  });
  return Math.max(0, rows[0]?.count ?? 0);
}

/** Slots of the pool's live agents. */
export async function countSlots(db: pg.Pool, pool: string): Promise<number> {
  const { rows } = await db.query<{ slots: number }>({
    name: "count-slots",
    text: `select coalesce(sum(slots), 0)::int as slots from agents
           where pool = $1 and lease_expires_at > now() and not draining`,
    values: [pool],
  });
  return rows[0]?.slots ?? 0;
}
