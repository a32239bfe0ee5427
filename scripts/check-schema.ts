// Fails when packages/db/src/schema says something that no migration does: drizzle-kit, run on a copy, must find nothing to write.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import config from "../packages/db/drizzle.config.ts";

const db = join(dirname(dirname(fileURLToPath(import.meta.url))), "packages/db");
// Below packages/db, because drizzle-kit takes its paths relative to where it runs.
const copy = mkdtempSync(join(db, ".check-"));
try {
  cpSync(join(db, "migrations"), join(copy, "migrations"), { recursive: true });
  const out = `./${copy.slice(db.length + 1)}/migrations`;
  writeFileSync(join(copy, "drizzle.config.json"), JSON.stringify({ ...config, out }));
  const kit = join(dirname(dirname(db)), "node_modules/drizzle-kit/bin.cjs");
  const args = [kit, "generate", `--config=${join(copy, "drizzle.config.json")}`];
  const said = execFileSync(process.execPath, args, {
    cwd: db,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const present = new Set(readdirSync(join(db, "migrations")));
  const added = readdirSync(join(copy, "migrations")).filter((file) => !present.has(file));
  for (const file of added) console.error(readFileSync(join(copy, "migrations", file), "utf8"));
  if (added.length > 0) console.error("The schema has changed and no migration says so: npm run db:generate\n");
  else console.log(said.trim().split("\n").at(-1));
  process.exitCode = added.length > 0 ? 1 : 0;
} finally {
  rmSync(copy, { recursive: true, force: true });
}
