import { expect, test } from "vitest";
import { DEPENDENCY_RULES } from "./dependency-rules.ts";
import { readSource } from "./source-file.ts";
import { TEXT_RULES } from "./text-rules.ts";

const messages = (path: string, text: string) =>
  [...DEPENDENCY_RULES, ...TEXT_RULES]
    .flatMap((rule) => rule(readSource(path, text)))
    .map((problem) => problem.message);

const breaking: [path: string, text: string, message: string][] = [
  ["apps/api/src/a.ts", 'import { sql } from "drizzle-orm";', "drizzle-orm may be imported only in"],
  ["apps/api/src/a.ts", 'import { Queue } from "bullmq";', "bullmq may be imported only in"],
  ["apps/agent/src/a.ts", 'import Docker from "dockerode";', "dockerode may be imported only in"],
  ["apps/scheduler/src/a.ts", 'import { x } from "@skein/api";', "@skein/api is an app"],
  ["packages/client/src/a.ts", 'import { x } from "@skein/api";', "@skein/api is an app"],
  ["apps/agent/src/a.ts", 'import type { x } from "@skein/db";', "apps/agent may not import @skein/db"],
  ["packages/engine/src/a.ts", 'import { x } from "@skein/db";', "packages/engine may not import @skein/db"],
  ["packages/engine/src/a.ts", 'import {\n  a,\n} from "@skein/idl/service";', "packages/engine may not import"],
  ["apps/api/src/a.ts", 'const x = await import("@skein/queue");', "apps/api may not import @skein/queue"],
  ["apps/api/src/a.ts", 'import { x } from "@skein/testing";', "apps/api may not import @skein/testing"],
  ["apps/api/src/a.ts", 'import { x } from "@skein/db/src/schema/run.ts";', "deep import"],
  ["apps/api/src/a.ts", 'import { x } from "../../../packages/db/src/run.ts";', "leaves apps/api"],
  ["packages/db/src/index.ts", 'export * from "./run.ts";', "without export *"],
  ["packages/db/src/a.ts", "x\n".repeat(401), "401 lines"],
  ["packages/db/src/a.test.ts", "x\n".repeat(601), "601 lines"],
  ["packages/db/src/utils.ts", "", '"utils" says nothing'],
  ["packages/db/src/runManager.ts", "", "kebab-case"],
  ["packages/db/src/a.ts", "export function listExecutions() {}", "our words are"],
  ["packages/db/src/a.ts", "const url = process.env.DATABASE_URL;", "read the environment in config.ts"],
  ["packages/db/src/a.ts", "console.log(1);", "use the logger"],
  ["packages/db/src/a.ts", `// ${"TO"}DO later`, "leftover mark"],
  ["packages/db/src/a.ts", "// const x = load(y);", "commented-out code"],
  ["packages/db/src/a.ts", "  // if (x) {", "commented-out code"],
  ["packages/db/src/a.ts", "// ---- queries ----", "section banner"],
  ["packages/db/src/a.ts", "/** It now uses a pool. */", "git tells the history"],
  ["packages/db/src/a.test.ts", "await new Promise((done) => setTimeout(done, 100));", "never for a time"],
];

test.each(breaking)("in %s, %j breaks a rule", (path, text, message) => {
  expect(messages(path, text)).toEqual([expect.stringContaining(message)]);
});

test.each([
  ["packages/client/src/a.ts", 'import type { AppRouter } from "@skein/api";'],
  ["apps/cli/src/dev/a.ts", 'import { startApi } from "@skein/api/start";\nimport pg from "pg";'],
  ["packages/db/src/a.it.test.ts", 'import { createTestDatabase } from "@skein/testing";'],
  ["apps/api/src/flyte1/a.ts", "export const toExecution = 1;"],
  ["apps/api/src/config.ts", "export const config = read(process.env);"],
  ["packages/db/src/a.ts", "// Rows wait here until the scheduler (their only reader) takes them."],
  ["packages/idl/src/core.ts", 'export * from "#gen/flyteidl/core/literals_pb.js";'],
  ["packages/db/src/a.ts", "export const injected = 1; // see https://example.org/if(x)"],
])("in %s, %j is fine", (path, text) => {
  expect(messages(path, text)).toEqual([]);
});
