import type pg from "pg";

/** Drops whole months of applied events that are older than `days`, and answers the partitions' names. */
export async function dropOldHistory(pool: pg.Pool, days: number): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'event_history'::regclass and c.relname ~ '^event_history_\\d{4}_\\d{2}$'
       and to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' < now() - $1 * interval '1 day'`,
    [days],
  );
  const client = await pool.connect();
  try {
    for (const { name } of rows) await client.query(`drop table if exists ${client.escapeIdentifier(name)}`);
  } finally {
    client.release();
  }
  return rows.map(({ name }) => name);
}

/** Forgets agents whose lease ended more than `days` ago and that hold no claim. */
export async function deleteOldAgents(pool: pg.Pool, days: number): Promise<number> {
  const { rowCount } = await pool.query(
    `delete from agents a where a.lease_expires_at < now() - $1 * interval '1 day'
     and not exists (select from claims c where c.agent_id = a.id)`,
    [days],
  );
  return rowCount ?? 0;
}
