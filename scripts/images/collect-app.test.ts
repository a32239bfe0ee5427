import { existsSync, lstatSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { closureOf, copyClosure } from "./collect-app.ts";

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const folder = realpathSync(mkdtempSync(join(tmpdir(), "skein-closure-")));
afterAll(() => rmSync(folder, { recursive: true }));

const namesOf = (app: string): string[] => {
  const { workspaces, packages } = closureOf(root, app);
  return [...workspaces, ...packages].map((path) => path.slice(root.length + 1));
};

test("an app takes what it depends on, and nothing of development", () => {
  const api = namesOf("@skein/api");
  expect(api).toEqual(expect.arrayContaining(["apps/api", "packages/db", "node_modules/pg", "node_modules/fastify"]));
  for (const part of ["packages/testing", "node_modules/vitest", "node_modules/typescript", "node_modules/dockerode"]) {
    expect(api).not.toContain(part);
  }
});

test("an agent carries no way into the database", () => {
  const agent = namesOf("@skein/agent");
  expect(agent).toContain("node_modules/dockerode");
  expect(agent).not.toContain("packages/db");
  expect(agent).not.toContain("node_modules/drizzle-orm");
});

test("copies keep their places, and leave tests out", () => {
  copyClosure(root, closureOf(root, "@skein/errors"), folder);
  expect(existsSync(join(folder, "packages/errors/src/error.ts"))).toBe(true);
  expect(existsSync(join(folder, "packages/errors/src/error.test.ts"))).toBe(false);
  copyClosure(root, closureOf(root, "@skein/telemetry"), join(folder, "two"));
  expect(existsSync(join(folder, "two/node_modules/pino/package.json"))).toBe(true);
  const config = join(folder, "three");
  copyClosure(root, closureOf(root, "@skein/config"), config);
  expect(lstatSync(join(config, "node_modules/@skein/errors")).isSymbolicLink()).toBe(true);
  expect(realpathSync(join(config, "node_modules/@skein/errors"))).toBe(join(config, "packages/errors"));
});
