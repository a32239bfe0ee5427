import type pg from "pg";

/** Does the work unless a process of any host is at work of this name; false then. */
export async function whileAlone(db: pg.Pool, name: string, work: () => Promise<void>): Promise<boolean> {
  const client = await db.connect();
  // A connection that breaks takes the lock with it; its error comes with the statement that finds out.
  const onError = () => undefined;
  client.on("error", onError);
  let broken: Error | undefined;
  try {
    const { rows } = await client.query<{ isMine: boolean }>(
      `select pg_try_advisory_lock(hashtextextended($1, 0)) as "isMine"`,
      [name],
    );
    if (!rows[0]?.isMine) return false;
    try {
      await work();
    } finally {
      await client.query("select pg_advisory_unlock(hashtextextended($1, 0))", [name]);
    }
    return true;
  } catch (error) {
    broken = error as Error;
    throw error;
  } finally {
    client.off("error", onError);
    client.release(broken);
  }
}
