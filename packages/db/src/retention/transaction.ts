import type pg from "pg";

/** Does the work in one transaction of a connection of its own; an error takes all of it back. */
export async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const result = await work(client);
    await client.query("commit");
    client.release();
    return result;
  } catch (error) {
    const broken = await client.query("rollback").then(
      () => undefined,
      (problem: Error) => problem,
    );
    client.release(broken);
    throw error;
  }
}
