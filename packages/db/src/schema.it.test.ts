import { createTestDatabase, dumpSchema } from "@skein/testing";
import { expect, test } from "vitest";
import { migrate } from "./index.ts";

test("schema.sql is what the migrations make", async () => {
  const database = await createTestDatabase();
  await expect(await dumpSchema(database.pool)).toMatchFileSnapshot("../schema.sql");
  await database.close();
});

test("processes that migrate an empty database at once all succeed", async () => {
  const database = await createTestDatabase({ empty: true });
  await Promise.all([migrate(database.url), migrate(database.url), migrate(database.url)]);
  const { rows } = await database.pool.query("select count(*)::int as tables from pg_tables where tablename = 'runs'");
  expect(rows).toEqual([{ tables: 1 }]);
  await database.close();
});

test("the fence ends a statement that expected another version", async () => {
  const database = await createTestDatabase();
  await expect(database.pool.query("select fence(3, 4)")).rejects.toMatchObject({ code: "40001" });
  await expect(database.pool.query("select fence(3, null)")).rejects.toMatchObject({ code: "40001" });
  await expect(database.pool.query("select fence(3, 3) as passed")).resolves.toMatchObject({
    rows: [{ passed: true }],
  });
  await database.close();
});
