import { tokenHash } from "@skein/contracts";
import { openStorage, type Storage } from "@skein/storage";
import {
  createTempFolder,
  createTestDatabase,
  insertProject,
  insertRow,
  insertRun,
  insertWorkflow,
  type TestDatabase,
} from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLogService } from "./log-service.ts";

const folder = createTempFolder("log-service");
let database: TestDatabase;
let storage: Storage;
let runId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  storage = await openStorage({ uri: `file://${folder.path}` });
  await insertProject(database.pool);
  runId = await insertRun(database.pool, await insertWorkflow(database.pool));
  await insertRow(database.pool, "attempts", {
    run_id: runId,
    ordinal: 2,
    attempt: 0,
    project: "flytesnacks",
    shard: 0,
    pool: "default",
    kind: "container",
    phase: "succeeded",
    token_hash: tokenHash("t".repeat(40)),
    queued_at: new Date(),
    ended_at: new Date(),
    changed_seq: 1,
  });
});
afterAll(async () => {
  storage.close();
  await database.close();
  await folder.close();
});

test("a log is read in pages, the same whether it lies in pieces, in an object, or in both", async () => {
  const logs = createLogService(database.pool, storage);
  const id = { runId, ordinal: 2, attempt: 0 };
  const readAll = async (bytesMax: number): Promise<string> => {
    let [text, offset] = ["", 0];
    for (;;) {
      const page = await logs.read(id, offset, bytesMax);
      if (page.nextOffset === offset) return text;
      text += page.text;
      offset = page.nextOffset;
    }
  };
  const text = "first €uro\nsecond ünit\n".repeat(20);
  const bytes = Buffer.from(text);
  const insertPiece = (offset: number, data: Uint8Array) =>
    insertRow(database.pool, "log_chunks", { run_id: runId, ordinal: 2, attempt: 0, '"offset"': offset, data });
  for (let at = 0; at < bytes.length; at += 37) await insertPiece(at, bytes.subarray(at, at + 37));
  for (const size of [7, 100, 10_000]) expect(await readAll(size)).toBe(text);

  const uri = storage.join("logs", "0.log");
  await storage.put(uri, bytes);
  await database.pool.query("delete from log_chunks");
  await database.pool.query("update attempts set log_uri = $1, log_bytes = $2", [uri, bytes.length]);
  for (const size of [7, 100, 10_000]) expect(await readAll(size)).toBe(text);

  await insertPiece(bytes.length, Buffer.from("late\n"));
  for (const size of [7, 10_000]) expect(await readAll(size)).toBe(`${text}late\n`);
});
