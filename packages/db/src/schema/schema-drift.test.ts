import { readdirSync, readFileSync } from "node:fs";
import { generateDrizzleJson, generateMigration } from "drizzle-kit/api";
import { expect, test } from "vitest";
import * as action from "./action.ts";
import * as attempt from "./attempt.ts";
import * as cache from "./cache.ts";
import * as loop from "./loop.ts";
import * as project from "./project.ts";
import * as registry from "./registry.ts";
import * as run from "./run.ts";
import * as secret from "./secret.ts";

const META = new URL("../../migrations/meta/", import.meta.url);

test("every change of the schema has a migration (`npm run db:generate` makes one)", async () => {
  const newest = readdirSync(META)
    .filter((name) => name.endsWith("_snapshot.json"))
    .sort()
    .at(-1);
  const migrated = JSON.parse(readFileSync(new URL(newest ?? "", META), "utf8"));
  const tables = { ...action, ...attempt, ...cache, ...loop, ...project, ...registry, ...run, ...secret };
  const wanted = generateDrizzleJson(tables, migrated.id, undefined, "snake_case");
  expect(await generateMigration(migrated, wanted)).toEqual([]);
});
