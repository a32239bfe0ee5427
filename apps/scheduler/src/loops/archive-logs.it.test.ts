import { randomBytes } from "node:crypto";
import { type AttemptId, tokenHash } from "@skein/contracts";
import { openStorage, type Storage } from "@skein/storage";
import { createMetrics, openLogger } from "@skein/telemetry";
import {
  createTempFolder,
  createTestDatabase,
  INSTALL_VERSITYGW,
  insertProject,
  insertRow,
  insertRun,
  insertWorkflow,
  requireTool,
  startS3,
  type TestDatabase,
} from "@skein/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createSchedulerMetrics } from "../metrics.ts";
import { archiveLogsRound } from "./archive-logs.ts";

type OpenedStorage = readonly [Storage, () => Promise<void>];
const STORES: [string, () => Promise<OpenedStorage>][] = [
  [
    "files",
    async () => {
      const folder = createTempFolder("logs");
      return [await openStorage({ uri: `file://${folder.path}` }), async () => folder.close()];
    },
  ],
  ...(requireTool("versitygw", INSTALL_VERSITYGW)
    ? [
        [
          "S3",
          async () => {
            const { bucket, endpoint, region, close, ...credentials } = await startS3();
            return [await openStorage({ uri: `s3://${bucket}/skein`, s3: { endpoint, region, credentials } }), close];
          },
        ] satisfies [string, () => Promise<OpenedStorage>],
      ]
    : []),
];

describe.each(STORES)("logs put together in %s", (_, open) => {
  let database: TestDatabase;
  let storage: Storage;
  let closeStore: () => Promise<void>;
  let runId: string;

  beforeAll(async () => {
    [storage, closeStore] = await open();
  });
  beforeEach(async () => {
    database = await createTestDatabase();
    await insertProject(database.pool);
    runId = await insertRun(database.pool, await insertWorkflow(database.pool), { name: `run-${Date.now()}` });
  });
  afterEach(() => database.close());
  afterAll(async () => {
    storage.close();
    await closeStore();
  });

  const tenant = { project: "flytesnacks", domain: "development" };
  const newAttempt = async (ordinal: number, phase = "succeeded"): Promise<AttemptId> => {
    const id = { runId, ordinal, attempt: 0 };
    const common = { run_id: runId, ordinal, changed_seq: 1, phase };
    const isOver = phase === "succeeded";
    const times = { started_at: new Date(), ...(isOver ? { ended_at: new Date() } : {}) };
    const node = { name: `n${ordinal}`, spec_node_id: "n0", kind: "task" };
    await insertRow(database.pool, "actions", { ...common, ...tenant, ...node, ...times });
    await insertRow(database.pool, "attempts", {
      ...common,
      ...times,
      attempt: 0,
      project: tenant.project,
      shard: 0,
      pool: "default",
      kind: "container",
      token_hash: tokenHash("t".repeat(40)),
      queued_at: new Date(),
    });
    return id;
  };
  const addChunk = ({ ordinal }: AttemptId, offset: number, data: string | Buffer) =>
    insertRow(database.pool, "log_chunks", {
      run_id: runId,
      ordinal,
      attempt: 0,
      '"offset"': offset,
      data: Buffer.from(data),
    });
  const rowOf = async ({ ordinal }: AttemptId) => {
    const { rows } = await database.pool.query<{ log_uri: string | null; log_bytes: string | null; chunks: number }>(
      `select log_uri, log_bytes, (select count(*) from log_chunks c
         where c.run_id = a.run_id and c.ordinal = a.ordinal)::int as chunks
       from attempts a where run_id = $1 and ordinal = $2`,
      [runId, ordinal],
    );
    return rows[0];
  };
  const objectOf = async (id: AttemptId) => Buffer.from(await storage.get((await rowOf(id))?.log_uri ?? "")).toString();
  const newRound = (store: Storage = storage, quietMs = 0) =>
    archiveLogsRound({
      pool: database.pool,
      storage: store,
      logger: openLogger({ name: "test", level: "silent" }),
      metrics: createSchedulerMetrics(createMetrics({ defaults: false })),
      quietMs,
    });

  test("an ended log becomes one object and its pieces go; one that is still written stays", async () => {
    const [ended, running] = [await newAttempt(2), await newAttempt(3, "running")];
    await addChunk(ended, 0, "hello ");
    await addChunk(ended, 4, "o world\n");
    await addChunk(running, 0, "busy");
    expect(await newRound(storage, 60_000)()).toBe(false);
    expect(await rowOf(ended)).toMatchObject({ log_uri: null, chunks: 2 });
    await newRound()();
    expect(await objectOf(ended)).toBe("hello world\n");
    expect(await rowOf(ended)).toMatchObject({ log_bytes: "12", chunks: 0 });
    expect((await rowOf(ended))?.log_uri).toMatch(/\/logs\/flytesnacks\/development\/run-\d+\/n2\/0\.log$/);
    expect(await rowOf(running)).toMatchObject({ log_uri: null, chunks: 1 });
  });

  test("what comes late is added, what came before is dropped, and bytes that never came are named", async () => {
    const id = await newAttempt(2);
    await addChunk(id, 0, "one\n");
    await newRound()();
    await addChunk(id, 0, "one\n");
    await newRound()();
    expect(await rowOf(id)).toMatchObject({ log_bytes: "4", chunks: 0 });
    await addChunk(id, 2, "e\ntwo\n");
    await addChunk(id, 50, "three\n");
    await newRound()();
    expect(await rowOf(id)).toMatchObject({ log_bytes: "56", chunks: 0 });
    const text = await objectOf(id);
    expect(text).toMatch(/^one\ntwo\n\n\[42 bytes are missing here\]\n+three\n$/);
    expect(text.indexOf("three")).toBe(50);
  });

  test("a log of megabytes is moved piece by piece, and the store's failure loses nothing", async () => {
    const id = await newAttempt(2);
    const piece = randomBytes(48 * 1024).toString("hex");
    for (let at = 0; at < 80; at += 1) await addChunk(id, at * piece.length, piece);
    const broken: Storage = Object.assign(Object.create(storage), {
      put: () => Promise.reject(new Error("no store")),
    });
    await newRound(broken)();
    expect(await rowOf(id)).toMatchObject({ log_uri: null, chunks: 80 });
    await newRound()();
    expect(await rowOf(id)).toMatchObject({ log_bytes: String(80 * piece.length), chunks: 0 });
    expect((await objectOf(id)) === piece.repeat(80)).toBe(true);
  });

  test("a crash between the object and its address is repaired, and two rounds at a time do the work once", async () => {
    const ids = await Promise.all(Array.from({ length: 30 }, (_, at) => newAttempt(at + 2)));
    for (const id of ids) await addChunk(id, 0, `log of ${id.ordinal}\n`);
    const [first] = ids as [AttemptId];
    const { rows } = await database.pool.query<{ name: string }>("select name from runs");
    const uri = storage.join("logs", tenant.project, tenant.domain, rows[0]?.name ?? "", "n2", "0.log");
    await storage.put(uri, Buffer.from(`log of ${first.ordinal}\n`));
    await Promise.all([newRound()(), newRound()()]);
    for (const id of ids) {
      expect(await objectOf(id)).toBe(`log of ${id.ordinal}\n`);
      expect(await rowOf(id)).toMatchObject({ chunks: 0 });
    }
  });
});
