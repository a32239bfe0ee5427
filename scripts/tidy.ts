// Our style test: what biome, tsc and knip do not know about this repository. Prints every problem and exits 1 when there is one.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { DEPENDENCY_RULES } from "./tidy/dependency-rules.ts";
import { readSource } from "./tidy/source-file.ts";
import { TEXT_RULES } from "./tidy/text-rules.ts";

const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { encoding: "utf8" });
// The rules' own test is full of what they forbid.
const isChecked = (path: string) => /\.(ts|tsx|mts|mjs)$/.test(path) && path !== "scripts/tidy/tidy.test.ts";
const paths = listed.split("\n").filter((path) => isChecked(path) && existsSync(path));
const rules = [...DEPENDENCY_RULES, ...TEXT_RULES];
const problems = paths
  .map((path) => readSource(path, readFileSync(path, "utf8")))
  .flatMap((file) => rules.flatMap((rule) => rule(file)));

for (const { path, line, message } of problems) console.error(`${path}:${line}  ${message}`);
console.log(`tidy: ${paths.length} files, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;
