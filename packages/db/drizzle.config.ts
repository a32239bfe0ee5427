import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  casing: "snake_case",
  // The table `event_history` is in no file: drizzle-kit does not know partitioned tables.
  schema: [
    "action",
    "attempt",
    "attribute",
    "cache",
    "loop",
    "notification",
    "project",
    "registry",
    "retention",
    "run",
    "schedule",
    "secret",
  ].map((file) => `./src/schema/${file}.ts`),
  out: "./migrations",
});
