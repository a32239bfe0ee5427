import type pg from "pg";

/** Makes the rows of shards 0..count-1 where they are missing. Rows beyond `count` stay: unfinished runs may live there. */
export async function ensureShards(pool: pg.Pool, count: number): Promise<void> {
  await pool.query("insert into shards (id) select generate_series(0, $1 - 1) on conflict do nothing", [count]);
}

/** Extends the leases that `owner` still holds and answers which those are. A lease somebody took meanwhile is not among them. */
export async function renewShards(pool: pg.Pool, owner: string, leaseMs: number): Promise<number[]> {
  const { rows } = await pool.query<{ id: number }>({
    name: "renew-shards",
    text: `update shards set lease_expires_at = now() + $2 * interval '1 millisecond'
           where owner = $1 and lease_expires_at > now() returning id`,
    values: [owner, leaseMs],
  });
  return rows.map(({ id }) => id);
}

/**
 * Takes up to `limit` shards that nobody holds and answers them. Competing schedulers skip each other's rows, so one
 * shard never has two owners.
 */
export async function takeShards(pool: pg.Pool, owner: string, leaseMs: number, limit: number): Promise<number[]> {
  if (limit <= 0) return [];
  const { rows } = await pool.query<{ id: number }>({
    name: "take-shards",
    text: `update shards set owner = $1, lease_expires_at = now() + $2 * interval '1 millisecond'
           where id in (
             select id from shards where lease_expires_at is null or lease_expires_at <= now()
             order by id limit $3 for update skip locked)
           returning id`,
    values: [owner, leaseMs, limit],
  });
  return rows.map(({ id }) => id);
}

/** Gives shards back at once, so that another scheduler need not wait for the lease to end. */
export async function releaseShards(pool: pg.Pool, owner: string, ids: readonly number[]): Promise<void> {
  await pool.query("update shards set owner = null, lease_expires_at = null where owner = $1 and id = any($2)", [
    owner,
    ids,
  ]);
}

/**
 * Says that scheduler `id` lives until `leaseMs` from now, forgets those that do not, and answers how many do. A fair
 * share is the number of shards over it.
 */
export async function announceScheduler(pool: pg.Pool, id: string, leaseMs: number): Promise<number> {
  const { rows } = await pool.query<{ others: number }>({
    name: "announce-scheduler",
    text: `with mine as (
             insert into schedulers (id, lease_expires_at) values ($1, now() + $2 * interval '1 millisecond')
             on conflict (id) do update set lease_expires_at = excluded.lease_expires_at
           ), gone as (
             delete from schedulers where lease_expires_at < now() and id <> $1
           )
           select count(*)::int as others from schedulers where lease_expires_at >= now() and id <> $1`,
    values: [id, leaseMs],
  });
  return 1 + (rows[0]?.others ?? 0);
}

/** Forgets a scheduler that stops. */
export async function dismissScheduler(pool: pg.Pool, id: string): Promise<void> {
  await pool.query("delete from schedulers where id = $1", [id]);
}
