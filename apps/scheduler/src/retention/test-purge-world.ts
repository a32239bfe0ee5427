import { createHash, randomUUID } from "node:crypto";
import { requestPurge } from "@skein/db/retention";
import { openStorage, type Storage } from "@skein/storage";
import { openLogger } from "@skein/telemetry";
import {
  createTempFolder,
  createTestDatabase,
  insertProject,
  insertRow,
  insertRun,
  insertWorkflow,
  startS3,
  type TestDatabase,
} from "@skein/testing";
import type { PurgedStore } from "./delete-objects.ts";
import type { PurgeLimits } from "./purge-run.ts";
import { purgesRound, type RetentionOptions, releaseRound } from "./retention-rounds.ts";

type Columns = Parameters<typeof insertRow>[2];

const ENDED = new Date(Date.now() - 3_600_000);
const DIGEST = Buffer.alloc(32);
const logger = openLogger({ name: "purges", level: "silent" });
/** Smaller than any run, so that each takes many steps. */
export const SMALL_STEPS: PurgeLimits = { objects: 2, attempts: 1, rows: 4 };
const LIMITS: PurgeLimits = { objects: 1_000, attempts: 100, rows: 1_000 };

/** A database and an object store with runs that are over, as the scheduler and its agents leave them. */
export class PurgeWorld {
  readonly database: TestDatabase;
  readonly storage: Storage;
  readonly #workflow: number;
  readonly #close: () => Promise<void>;

  private constructor(database: TestDatabase, storage: Storage, workflow: number, close: () => Promise<void>) {
    this.database = database;
    this.storage = storage;
    this.#workflow = workflow;
    this.#close = close;
  }

  static async open(kind: "file" | "s3"): Promise<PurgeWorld> {
    const database = await createTestDatabase();
    await insertProject(database.pool);
    const workflow = await insertWorkflow(database.pool);
    if (kind === "file") {
      const folder = createTempFolder("purges");
      const storage = await openStorage({ uri: `file://${folder.path}` });
      return new PurgeWorld(database, storage, workflow, () => folder.close());
    }
    const s3 = await startS3();
    const { bucket, endpoint, region } = s3;
    const storage = await openStorage({ uri: `s3://${bucket}/prefix`, s3: { endpoint, region, credentials: s3 } });
    return new PurgeWorld(database, storage, workflow, () => s3.close());
  }

  get pool() {
    return this.database.pool;
  }

  /** A run that is over, with an action `n0` at ordinal 2 that took one attempt, and what each kind of table may hold. */
  async addRun(name: string, columns: Columns = {}): Promise<string> {
    const over = { phase: "succeeded", started_at: ENDED, ended_at: ENDED, created_at: ENDED };
    const runId = await insertRun(this.pool, this.#workflow, { name, ...over, ...columns });
    const insert = (table: string, row: Columns) => insertRow(this.pool, table, { run_id: runId, ...row });
    const place = { project: "flytesnacks", domain: "development" };
    const action = { ordinal: 2, name: "n0", spec_node_id: "n0", kind: "task", changed_seq: 1 };
    await insert("actions", { ...place, ...action, phase: "succeeded", ended_at: ENDED });
    await this.addAttempt(runId, 2);
    const value = { ordinal: 2, size_bytes: 1 };
    await insert("action_values", { ...value, side: "inputs", data: Buffer.from("x") });
    await insert("run_inputs", { size_bytes: 1, data: Buffer.from("x") });
    await insert("run_tags", { tag: "nightly" });
    await insert("log_chunks", { ordinal: 2, attempt: 0, '"offset"': 0, data: Buffer.from("late") });
    await insert("signals", { ordinal: 3, signal_id: "go", is_approval: true, type: Buffer.alloc(0) });
    await insert("expansions", {
      ordinal: 2,
      spec_uri: this.storage.join("meta/own/futures.pb"),
      compiled: Buffer.alloc(1),
    });
    await insert("event_history", { event: "{}" });
    return runId;
  }

  async addAttempt(runId: string, ordinal: number, attempt = 0): Promise<void> {
    const state = { phase: "succeeded", token_hash: DIGEST, queued_at: ENDED, ended_at: ENDED, changed_seq: 1 };
    const where = { project: "flytesnacks", shard: 0, pool: "default", kind: "container" };
    await insertRow(this.pool, "attempts", { run_id: runId, ordinal, attempt, ...where, ...state });
  }

  /** What attempt 0 of `n0` and the archiver left in the store; answers the addresses. */
  async addObjects(run: string, action = "n0"): Promise<{ meta: string; raw: string; log: string; inputs: string }> {
    const raw = `${rawFolder(run, action)}/frame/0000.parquet`;
    const keys = {
      meta: `meta/flytesnacks/development/${run}/${action}/0/outputs.pb`,
      raw,
      log: `logs/flytesnacks/development/${run}/${action}/0.log`,
      inputs: `meta/flytesnacks/development/${run}/${randomUUID()}/user-inputs.pb`,
    };
    for (const key of Object.values(keys)) await this.storage.put(this.storage.join(key), Buffer.from(key));
    const uri = (key: string) => this.storage.join(key);
    return { meta: uri(keys.meta), raw: uri(keys.raw), log: uri(keys.log), inputs: uri(keys.inputs) };
  }

  /** A link of an action to an object. */
  async link(runId: string, uri: string, side: "inputs" | "outputs" = "inputs"): Promise<void> {
    const hash = createHash("md5").update(uri).digest("hex");
    await insertRow(this.pool, "artifact_links", {
      uri_hash: hash,
      run_id: runId,
      ordinal: 2,
      side,
      uri,
      variable: "x",
    });
  }

  /** A cache entry that attempt 0 of `n0` of a run computed; answers its id. */
  async cache(runId: string, columns: Columns = {}): Promise<string> {
    const id = randomUUID();
    const dataset = { project: "flytesnacks", domain: "development", dataset_name: "d", dataset_version: "1" };
    const source = { source_run_id: runId, source_ordinal: 2, source_attempt: 0 };
    const row = { id, ...dataset, ...source, size_bytes: 1, data: Buffer.from("x"), ...columns };
    await insertRow(this.pool, "cache_entries", row);
    return id;
  }

  delete(runId: string, withChildren = false) {
    return requestPurge(this.pool, { runId, withChildren, requestedBy: "ann", isRetention: false });
  }

  options(storage: PurgedStore = this.storage, limits = LIMITS): RetentionOptions {
    return { pool: this.pool, storage, logger, settleMs: 0, limits };
  }

  /** One round of a scheduler that has just been started, so that nothing is remembered from the round before. */
  round(storage?: PurgedStore, limits?: PurgeLimits): Promise<boolean> {
    return purgesRound(this.options(storage, limits))();
  }

  async untilDone(): Promise<void> {
    for (let rounds = 0; await this.round(); rounds++) if (rounds > 500) throw new Error("the purges never end");
  }

  /** Deletes kept objects that nobody points at any more. */
  async release(): Promise<void> {
    await releaseRound(this.options(), 0)();
  }

  async objects(): Promise<string[]> {
    const uris: string[] = [];
    for await (const { uri } of this.storage.list(this.storage.rootUri)) uris.push(uri);
    return uris.sort();
  }

  async count(table: string, runId: string): Promise<number> {
    const column = table === "runs" ? "id" : "run_id";
    const text = `select count(*)::int as count from ${table} where ${column} = $1`;
    return (await this.pool.query<{ count: number }>(text, [runId])).rows[0]?.count ?? 0;
  }

  async purgeOf(runId: string): Promise<Record<string, unknown>> {
    const { rows } = await this.pool.query<Record<string, unknown>>("select * from purges where run_id = $1", [runId]);
    return rows[0] ?? {};
  }

  async close(): Promise<void> {
    this.storage.close();
    await this.#close();
    await this.database.close();
  }
}

export function rawFolder(run: string, action: string): string {
  const name = `${run}-${action}-0`;
  return `raw/flytesnacks/development/${createHash("sha256").update(name).digest("hex").slice(0, 2)}/${name}`;
}
