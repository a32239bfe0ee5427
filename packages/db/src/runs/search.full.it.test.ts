import {
  createTestDatabase,
  explainList,
  listCases,
  type SeededRuns,
  seedRuns,
  type TestDatabase,
} from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";

const COUNT = 100_000;
/** They fit some thousands of runs, or cannot be decided in an index: there reading all of them may be the quickest way. */
const MAY_READ_ALL = [
  "ListExecutions: succeeded of an old version, deep",
  "search: an old version of a launch plan",
  "search: an input in a range",
];

let database: TestDatabase;
let seeded: SeededRuns;

beforeAll(async () => {
  database = await createTestDatabase();
  seeded = await seedRuns(database.pool, COUNT);
}, 400_000);
afterAll(() => database?.close());

// How long each takes is measured by `npm run bench -- --bench lists`.
test("lists and searches of 100,000 runs find what they should by an index", async () => {
  const problems: string[] = [];
  for (const one of listCases(seeded, COUNT)) {
    const { rows, scans } = await explainList(database.db, one);
    if (rows !== one.rows) problems.push(`${one.name} gave ${rows} rows instead of ${one.rows}`);
    if (scans.includes("Seq Scan runs") && !MAY_READ_ALL.includes(one.name))
      problems.push(`${one.name} reads all runs`);
  }
  expect(problems).toEqual([]);
}, 400_000);
