import { execFile } from "node:child_process";
import { createConnection } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openDb } from "@skein/db";
import { describe, expect, test } from "vitest";
import {
  createTestDatabase,
  INSTALL_REDIS,
  INSTALL_VERSITYGW,
  insertLaunchPlan,
  insertProject,
  insertRun,
  insertTask,
  insertWorkflow,
  requireTool,
  startRedis,
  startS3,
} from "./index.ts";

test("a test database is private, migrated and gone after close", async () => {
  const [one, two] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  await insertProject(one.pool);
  await insertTask(one.pool);
  const workflowId = await insertWorkflow(one.pool);
  await insertRun(one.pool, workflowId, { launch_plan_id: await insertLaunchPlan(one.pool, workflowId) });
  const count = "select (select count(*) from runs)::int as runs";
  expect((await one.pool.query(count)).rows).toEqual([{ runs: 1 }]);
  expect((await two.pool.query(count)).rows).toEqual([{ runs: 0 }]);
  await Promise.all([one.close(), two.close()]);
  await expect(openDb(one.url, { max: 1 }).pool.query("select 1")).rejects.toMatchObject({ code: "3D000" });
});

test("only one version of a launch plan can be active", async () => {
  const database = await createTestDatabase();
  const workflowId = await insertWorkflow(database.pool);
  const plan = { name: "nightly", state: "active" };
  await insertLaunchPlan(database.pool, workflowId, { ...plan, version: "v1" });
  await expect(insertLaunchPlan(database.pool, workflowId, { ...plan, version: "v2" })).rejects.toMatchObject({
    constraint: "launch_plans_one_active",
  });
  await database.close();
});

test("closing a test database fails while somebody else is connected to it", async () => {
  const database = await createTestDatabase();
  const left = openDb(database.url, { max: 1, applicationName: "forgotten" });
  await left.pool.query("select 1");
  await expect(database.close()).rejects.toThrow("forgotten");
  await left.close();
});

describe.skipIf(!requireTool("redis-server", INSTALL_REDIS))("startRedis", () => {
  test("answers, comes back empty after a restart, and is gone after close", async () => {
    const redis = await startRedis();
    const port = Number(new URL(redis.url).port);
    const firstPid = redis.process().pid;
    await redis.restart();
    expect(redis.process().pid).not.toBe(firstPid);
    await redis.close();
    await expect(
      new Promise((resolve, reject) =>
        createConnection(port, "127.0.0.1", () => resolve("open")).once("error", reject),
      ),
    ).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});

describe.skipIf(!requireTool("versitygw", INSTALL_VERSITYGW))("startS3", () => {
  test("answers S3 requests", async () => {
    const s3 = await startS3();
    const answer = await fetch(`${s3.endpoint}/${s3.bucket}`);
    expect(answer.status).toBe(403);
    await s3.close();
  });
});

test.each([0, 3])("a process that used a Postgres server ends with the code that was set: %i", async (code) => {
  const server = fileURLToPath(new URL("postgres-server.ts", import.meta.url));
  const script = `
    const { startPostgres } = await import(${JSON.stringify(server)});
    process.exitCode = ${code};
    await (await startPostgres()).close();`;
  const run = promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
  const ended = await run.then(
    () => 0,
    (error: { code?: number }) => error.code,
  );
  expect(ended).toBe(code);
});
