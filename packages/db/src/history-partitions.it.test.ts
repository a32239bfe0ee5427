import { randomUUID } from "node:crypto";
import { createTestDatabase } from "@skein/testing";
import { expect, test } from "vitest";
import { ensureHistoryPartitions } from "./index.ts";

test("rows that fell into the default partition move to their month when it is made", async () => {
  const database = await createTestDatabase();
  const inMarch = "2031-03-31T23:59:59.999Z";
  const inApril = "2031-04-01T00:00:00.000Z";
  for (const appliedAt of [inMarch, inApril]) {
    await database.pool.query("insert into event_history (run_id, event, applied_at) values ($1, '{}', $2)", [
      randomUUID(),
      appliedAt,
    ]);
  }
  await database.pool.query("select ensure_event_history_partition('2031-03-15')");
  const { rows } = await database.pool.query(
    "select tableoid::regclass::text as partition, applied_at from event_history order by applied_at",
  );
  expect(rows).toEqual([
    { partition: "event_history_2031_03", applied_at: new Date(inMarch) },
    { partition: "event_history_default", applied_at: new Date(inApril) },
  ]);
  await database.close();
});

test("several processes may make the partitions at once", async () => {
  const database = await createTestDatabase();
  await database.pool.query(
    "do $$ declare t text; begin for t in select inhrelid::regclass from pg_inherits where inhparent = 'event_history'::regclass and inhrelid <> 'event_history_default'::regclass loop execute 'drop table ' || t; end loop; end $$",
  );
  await Promise.all([1, 2, 3, 4].map(() => ensureHistoryPartitions(database.db)));
  const { rows } = await database.pool.query(
    "select count(*)::int as partitions from pg_inherits where inhparent = 'event_history'::regclass",
  );
  expect(rows).toEqual([{ partitions: 3 }]);
  await database.close();
});
