import { readdirSync, readFileSync } from "node:fs";
import { generateDrizzleJson, generateMigration } from "drizzle-kit/api";
import { expect, test } from "vitest";
import * as tables from "./index.ts";

const META = new URL("../../migrations/meta/", import.meta.url);

test("every change of the schema has a migration (`npm run db:generate` makes one)", async () => {
  const newest = readdirSync(META)
    .filter((name) => name.endsWith("_snapshot.json"))
    .sort()
    .at(-1);
  const migrated = JSON.parse(readFileSync(new URL(newest ?? "", META), "utf8"));
  const wanted = generateDrizzleJson({ ...tables }, migrated.id, undefined, "snake_case");
  expect(await generateMigration(migrated, wanted)).toEqual([]);
});
