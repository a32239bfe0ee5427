import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const postgres = fileURLToPath(new URL("packages/testing/src/global-setup.ts", import.meta.url));
/** What is too long for every day has a name of its own, so that nothing has to be skipped. */
const tooLong = process.env.SKEIN_TEST_FULL === "true" ? [] : ["**/*.full.*.test.ts"];
const everywhere = ["apps", "packages", "scripts", "tests"];

export default defineConfig({
  test: {
    // Only with --coverage. The engine decides what every run does, so a branch of it that no test takes fails the check.
    coverage: {
      include: ["packages/engine/src/**/*.ts"],
      reporter: ["text-summary"],
      reportsDirectory: "node_modules/.cache/coverage",
      thresholds: { 100: true },
    },
    projects: [
      {
        test: {
          name: "unit",
          include: everywhere.map((folder) => `${folder}/**/*.test.ts`),
          exclude: ["**/node_modules/**", "**/*.it.test.ts", "tests/e2e/**", "scripts/bench/**/*.bench.test.ts"],
        },
      },
      {
        test: {
          name: "it",
          include: everywhere.map((folder) => `${folder}/**/*.it.test.ts`),
          exclude: ["**/node_modules/**", ...tooLong],
          globalSetup: postgres,
          testTimeout: 30_000,
          hookTimeout: 60_000,
          // They mostly wait for servers.
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["tests/e2e/**/*.e2e.test.ts"],
          exclude: ["**/node_modules/**", ...tooLong],
          globalSetup: postgres,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          maxWorkers: 1,
        },
      },
    ],
  },
});
