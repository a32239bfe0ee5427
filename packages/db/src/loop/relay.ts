import type { AttemptId, OrderKind } from "@skein/contracts";
import type pg from "pg";
import type { CommandRow } from "./run-advance.ts";

/** An order to publish, as rows know it; the token is rebuilt and small inputs are attached by the caller. */
export interface PendingOrder {
  readonly id: AttemptId;
  readonly shard: number;
  readonly project: string;
  readonly pool: string;
  readonly kind: OrderKind;
}

interface PendingRow {
  readonly commandId: string;
  readonly runId: string;
  readonly ordinal: number;
  readonly attempt: number;
  readonly shard: number;
  readonly project: string;
  readonly pool: string;
  readonly kind: OrderKind;
}

const toPending = ({ runId, ordinal, attempt, shard, project, pool, kind }: PendingRow): PendingOrder => ({
  id: { runId, ordinal, attempt },
  shard,
  project,
  pool,
  kind,
});

/** Commands that wait and belong together: of one project, with one priority. */
export interface WaitingGroup {
  readonly priority: number;
  readonly project: string;
}

/**
 * Which projects have commands of a kind waiting in a pool, on whatever shard, and with which priorities; the highest
 * first. It steps from group to group through the index, so its cost does not depend on how many commands wait.
 */
export async function readWaitingGroups(db: pg.Pool, pool: string, kind: OrderKind): Promise<WaitingGroup[]> {
  const next = (more: string) => `select priority, project from commands
    where pool = $1 and kind = $2 and published_at is null ${more} order by priority desc, project desc limit 1`;
  const { rows } = await db.query<WaitingGroup>({
    name: "read-waiting-groups",
    text: `with recursive groups as (
             (${next("")})
             union all
             select n.priority, n.project from groups g
             cross join lateral (${next("and (priority, project) < (g.priority, g.project)")}) n)
           select priority, project from groups`,
    values: [pool, kind],
  });
  return rows;
}

/** How many commands to read of a group. */
export interface GroupPick extends WaitingGroup {
  readonly count: number;
}

/** A command that waits. */
export interface WaitingCommand extends PendingOrder, CommandRow {
  readonly priority: number;
}

/** The oldest commands of each group, on whatever shard. `known` are left out. */
export async function readCommands(
  db: pg.Pool,
  pool: string,
  kind: OrderKind,
  picks: readonly GroupPick[],
  known: readonly number[],
): Promise<WaitingCommand[]> {
  const { rows } = await db.query<PendingRow & { priority: number }>({
    name: "read-commands",
    text: `select c.* from unnest($3::smallint[], $4::text[], $5::int[]) g(priority, project, count)
           cross join lateral (
             select id as "commandId", run_id as "runId", ordinal, attempt, shard, project, pool, kind, priority from commands
             where pool = $1 and kind = $2 and published_at is null and priority = g.priority and project = g.project
               and id <> all($6::bigint[])
             order by id limit g.count) c`,
    values: [
      pool,
      kind,
      picks.map(({ priority }) => priority),
      picks.map(({ project }) => project),
      picks.map(({ count }) => count),
      known,
    ],
  });
  return rows.map((row) => ({ ...toPending(row), commandId: Number(row.commandId), priority: row.priority }));
}

/** Pools that have commands waiting, on whatever shard. */
export async function readPoolsWithCommands(db: pg.Pool): Promise<string[]> {
  const { rows } = await db.query<{ pool: string }>({
    name: "read-pools-with-commands",
    text: `with recursive pools as (
             (select pool from commands where published_at is null order by pool limit 1)
             union all
             select n.pool from pools p cross join lateral (
               select pool from commands where published_at is null and pool > p.pool order by pool limit 1) n)
           select pool from pools`,
  });
  return rows.map(({ pool }) => pool);
}

/**
 * Notes that orders are in the queue now. Echo orders are forgotten; those of containers stay until their attempts end,
 * because they say what their project has in the pool.
 */
export async function markPublished(db: pg.Pool, orders: readonly Pick<PendingOrder, "id" | "kind">[]): Promise<void> {
  const columns = (kind: OrderKind) => {
    const ids = orders.filter((order) => order.kind === kind).map(({ id }) => id);
    return [ids.map(({ runId }) => runId), ids.map(({ ordinal }) => ordinal), ids.map(({ attempt }) => attempt)];
  };
  const given = "unnest($1::uuid[], $2::int[], $3::int[]) u(run_id, ordinal, attempt)";
  const isGiven = "c.run_id = u.run_id and c.ordinal = u.ordinal and c.attempt = u.attempt";
  if (orders.some(({ kind }) => kind === "echo")) {
    const text = `delete from commands c using ${given} where ${isGiven}`;
    await db.query({ name: "delete-commands", text, values: columns("echo") });
  }
  if (orders.some(({ kind }) => kind !== "echo")) {
    const text = `update commands c set published_at = now() from ${given} where ${isGiven} and c.published_at is null`;
    await db.query({ name: "mark-commands", text, values: columns("container") });
  }
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
               and not exists (select from commands c where c.run_id = a.run_id and c.ordinal = a.ordinal and c.attempt = a.attempt
                                 and c.published_at is null)
             order by a.queued_at limit $3)
           update attempts a set republished_at = now() from late l
           where a.run_id = l.run_id and a.ordinal = l.ordinal and a.attempt = l.attempt
           returning 0 as "commandId", a.run_id as "runId", a.ordinal, a.attempt, a.shard, a.project, a.pool, a.kind`,
    values: [shards, ageMs, limit],
  });
  return rows.map(toPending);
}
