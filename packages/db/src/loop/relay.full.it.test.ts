import { createTestDatabase, type TestDatabase } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readPoolLoad } from "./pool-load.ts";
import { readCommands, readPoolsWithCommands, readWaitingGroups } from "./relay.ts";

const COMMANDS = 100_000;
const PROJECTS = 20;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query(
    `insert into commands (run_id, ordinal, attempt, shard, project, pool, kind, priority, published_at)
     select gen_random_uuid(), 2, 0, i % 8, 'p' || i % $2, 'default', 'container', (i % 3)::smallint - 1,
       case when i < 500 then now() end
     from generate_series(0, $1::int - 1) i`,
    [COMMANDS, PROJECTS],
  );
  await database.pool.query("analyze commands");
});
afterAll(() => database.close());

/** Rows and index entries of `commands` that were read since the last call, as Postgres counts them. */
async function rowsRead(): Promise<number> {
  const { rows } = await database.pool.query<{ read: string }>(
    `select seq_tup_read + coalesce(idx_tup_fetch, 0)
         + (select sum(idx_tup_read) from pg_stat_user_indexes where relname = 'commands') as read
     from pg_stat_user_tables where relname = 'commands'`,
  );
  return Number(rows[0]?.read);
}

test("what the relay reads grows with what it gives out, not with the 100,000 orders that wait", async () => {
  const { pool } = database;
  await pool.query("select pg_stat_force_next_flush()");
  const before = await rowsRead();
  expect(await readPoolsWithCommands(pool)).toEqual(["default"]);
  const groups = await readWaitingGroups(pool, "default", "container");
  expect(groups).toHaveLength(3 * PROJECTS);
  expect(groups.map(({ priority }) => priority)).toEqual(groups.map(({ priority }) => priority).sort((a, b) => b - a));
  const load = await readPoolLoad(pool, "default");
  expect(load.reduce((sum, { underWay }) => sum + underWay, 0)).toBe(500);
  const picks = groups.slice(0, PROJECTS).map((group) => ({ ...group, count: 5 }));
  const found = await readCommands(pool, "default", "container", picks, [1, 2, 3]);
  expect(found).toHaveLength(5 * PROJECTS);
  await pool.query("select pg_stat_force_next_flush()");
  await pool.query("select pg_stat_clear_snapshot()");
  const read = (await rowsRead()) - before;
  expect(read).toBeGreaterThan(5 * PROJECTS);
  expect(read).toBeLessThan(5_000);
});
