import { create } from "@bufbuild/protobuf";
import { findRun } from "@skein/db";
import { ExecutionSpecSchema } from "@skein/idl/admin";
import { createTestDatabase, insertProject, insertRun, insertWorkflow, TEST_TENANT } from "@skein/testing";
import { expect, test } from "vitest";
import { ANONYMOUS_CALL } from "../flyte1/test-admin.ts";
import { openRunWatcher } from "./run-watcher.ts";
import { createWatchRun, START_OF_RUN } from "./watch-run.ts";

test("who comes beyond the limit of watchers is refused, until one has gone", async () => {
  const database = await createTestDatabase();
  await insertProject(database.pool);
  await insertRun(database.pool, await insertWorkflow(database.pool), { name: "run1" });
  const watcher = await openRunWatcher({ pool: database.pool, databaseUrl: database.url });
  const id = { ...TEST_TENANT, name: "run1" };
  const watchRun = createWatchRun({
    db: database.db,
    watcher,
    getRun: async () => {
      const row = await findRun(database.db, id);
      if (!row) throw new Error("the run exists");
      return { ...row, spec: create(ExecutionSpecSchema), storedBytes: 0 };
    },
    watchersMax: 1,
  });
  const left = new AbortController();
  const open = (signal = left.signal) => watchRun(ANONYMOUS_CALL, id, START_OF_RUN, signal);
  const first = open();
  expect((await first.next()).value?.run.name).toBe("run1");
  await expect(open().next()).rejects.toMatchObject({ code: "resource_exhausted" });
  left.abort();
  expect((await first.next()).done).toBe(true);
  const next = open(new AbortController().signal);
  expect((await next.next()).done).toBe(false);
  await next.return();
  await watcher.close();
  await database.close();
});
