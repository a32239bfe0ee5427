import { createTestDatabase, explainList, listCases, seedRuns } from "@skein/testing";

const COUNT = 100_000;
/**
 * Without a mark: no index knows how inputs are ordered; and where Postgres expects a label everywhere, each run of the domains
 * that do not have it is asked for it.
 */
const UNMARKED = ["search: a label that only one domain has", "search: an input in a range"];

/** Every list and search over 100,000 seeded runs; prints a line for each, and answers the slowest page that has a mark. */
export async function measureLists(): Promise<{ readonly slowest_ms: number }> {
  const database = await createTestDatabase();
  try {
    const seeded = await seedRuns(database.pool, COUNT);
    let slowest = 0;
    for (const one of listCases(seeded, COUNT)) {
      const { rows, milliseconds, scans } = await explainList(database.db, one);
      console.log(JSON.stringify({ list: one.name, ms: Number(milliseconds.toFixed(1)), rows, scans }));
      if (!UNMARKED.includes(one.name)) slowest = Math.max(slowest, milliseconds);
    }
    return { slowest_ms: Number(slowest.toFixed(1)) };
  } finally {
    await database.close();
  }
}
