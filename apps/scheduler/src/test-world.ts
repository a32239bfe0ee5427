import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type AttemptId, type AttemptReport, attemptToken } from "@skein/contracts";
import { insertRun, type NewRun } from "@skein/db";
import { compileWorkflow } from "@skein/engine";
import type { TaskCreateRequest, WorkflowCreateRequest } from "@skein/idl/admin";
import {
  CompiledTaskSchema,
  CompiledWorkflowClosureSchema,
  type Literal,
  type LiteralMap,
  LiteralMapSchema,
  LiteralSchema,
} from "@skein/idl/core";
import { type Consumer, openQueues, type Queues } from "@skein/queue";
import {
  createTempFolder,
  createTestDatabase,
  insertProject,
  insertWorkflow,
  startRedis,
  type TestDatabase,
  type TestRedis,
  waitFor,
} from "@skein/testing";
import { readSchedulerConfig } from "./config.ts";
import { type Scheduler, startScheduler } from "./start.ts";

const SECRET_KEY = "a secret key for tests that is long enough";
const TENANT = { project: "flytesnacks", domain: "development" };

/** The value of the input `x`. */
export type InputX = bigint | string | readonly bigint[];

function literalOf(x: InputX): Literal {
  if (Array.isArray(x)) {
    return create(LiteralSchema, { value: { case: "collection", value: { literals: x.map(literalOf) } } });
  }
  const value = typeof x === "bigint" ? { case: "integer", value: x } : { case: "stringValue", value: x };
  const primitive = { case: "primitive", value: { value } } as const;
  return { value: { case: "scalar", value: { value: primitive } } } as unknown as Literal;
}

/** A literal map of `x` alone, as runs take it and tasks hand it out. */
export const literalsOf = (x: InputX): Uint8Array =>
  toBinary(LiteralMapSchema, create(LiteralMapSchema, { literals: { x: literalOf(x) } }));

/** A database, a queue and schedulers around them. Tests play the api and the agents. */
export class World {
  readonly database: TestDatabase;
  readonly redis: TestRedis | undefined;
  readonly queues: Queues;
  readonly #folder = createTempFolder("scheduler");
  readonly #schedulers: Scheduler[] = [];
  #launched = 0;

  constructor(database: TestDatabase, redis: TestRedis | undefined, queues: Queues) {
    this.database = database;
    this.redis = redis;
    this.queues = queues;
  }

  /** The folder that is the object store. */
  get storage(): string {
    return this.#folder.path;
  }

  async startScheduler(environment: Record<string, string> = {}): Promise<Scheduler> {
    const config = readSchedulerConfig({
      DATABASE_URL: this.database.url,
      REDIS_URL: this.redis?.url,
      SKEIN_SECRET_KEY: SECRET_KEY,
      SKEIN_STORAGE: `file://${this.#folder.path}`,
      SKEIN_LOG_LEVEL: "silent",
      ...environment,
    });
    const scheduler = await startScheduler(config);
    this.#schedulers.push(scheduler);
    return scheduler;
  }

  /** What a crash can leave is arranged while no scheduler runs. */
  async restartScheduler(arrange: () => Promise<void>): Promise<void> {
    await Promise.all(this.#schedulers.splice(0).map((scheduler) => scheduler.close()));
    await arrange();
    await this.startScheduler();
  }

  /** Answers the workflow's key. */
  register(workflow: WorkflowCreateRequest, tasks: readonly TaskCreateRequest[]): Promise<number> {
    const template = workflow.spec?.template;
    if (!template) throw new Error("a workflow has a template");
    const compiled = compileWorkflow({
      template,
      tasks: tasks.map(({ spec }) => create(CompiledTaskSchema, spec?.template ? { template: spec.template } : {})),
    });
    if (!("closure" in compiled)) throw new Error(JSON.stringify(compiled.errors));
    return insertWorkflow(this.database.pool, {
      compiled: toBinary(CompiledWorkflowClosureSchema, compiled.closure),
    });
  }

  /** What the api does at launch. Answers the run's id. */
  async launch(workflowId: number, x: InputX = 42n, more: Partial<NewRun> = {}): Promise<string> {
    const { pool, db } = this.database;
    const { rows } = await pool.query<{ count: number }>("select greatest(count(*), 1)::int as count from shards");
    const id = crypto.randomUUID();
    const data = literalsOf(x);
    const value = { data, sizeBytes: data.length };
    this.#launched += 1;
    await insertRun(db.$client, {
      id,
      ...TENANT,
      name: `run${this.#launched}`,
      shard: this.#launched % (rows[0]?.count ?? 1),
      mode: "manual",
      principal: "test",
      launchPlanId: null,
      taskId: null,
      workflowId,
      referenceRunId: null,
      spec: new Uint8Array(),
      userInputs: value,
      inputs: value,
      createdAt: new Date(),
      ...more,
    });
    await pool.query("select pg_notify('skein_events', '')");
    return id;
  }

  /** An agent that hands back the inputs of echo orders. */
  startEcho(): Promise<Consumer> {
    return this.queues.consumeInstant("default", { concurrency: 20 }, async (order) => {
      const at = Date.now();
      const outputs = { data: order.inputs ?? "" };
      const report = this.reportOf(order, { type: "succeeded", startedAtMs: at, endedAtMs: at, outputs });
      await this.queues.sendReports(order.shard, [report]);
    });
  }

  /** What an agent would report, with the right token. */
  reportOf({ runId, ordinal, attempt }: AttemptId, outcome: AttemptReport["outcome"]): AttemptReport {
    const id = { runId, ordinal, attempt };
    return { ...id, token: attemptToken(SECRET_KEY, id), agentId: "agent-1", outcome };
  }

  /** Writes an object of the store. */
  async write(uri: string, bytes: Uint8Array): Promise<void> {
    const path = fileURLToPath(uri);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }

  /** Where an attempt leaves its outputs. */
  async outputPrefixOf({ runId, ordinal, attempt }: AttemptId): Promise<string> {
    const { rows } = await this.database.pool.query<{ run: string; action: string }>(
      "select r.name as run, a.name as action from runs r join actions a on a.run_id = r.id where r.id = $1 and a.ordinal = $2",
      [runId, ordinal],
    );
    const { project, domain } = TENANT;
    return `file://${this.storage}/meta/${project}/${domain}/${rows[0]?.run}/${rows[0]?.action}/${attempt}`;
  }

  /** The phase of each action of a run by its name. */
  async phasesOf(runId: string): Promise<Record<string, string>> {
    const { rows } = await this.database.pool.query<{ name: string; phase: string }>(
      "select name, phase from actions where run_id = $1 order by ordinal",
      [runId],
    );
    return Object.fromEntries(rows.map(({ name, phase }) => [name, phase]));
  }

  /** What a run hands out: the inputs of its end-node. */
  async outputsOf(runId: string): Promise<LiteralMap> {
    const { rows } = await this.database.pool.query<{ data: Buffer | null; uri: string | null }>(
      "select data, uri from action_values where run_id = $1 and ordinal = 1 and side = 'inputs'",
      [runId],
    );
    const [value] = rows;
    const bytes = value?.data ?? (value?.uri ? await readFile(fileURLToPath(value.uri)) : new Uint8Array());
    return fromBinary(LiteralMapSchema, bytes);
  }

  async phaseOf(runId: string): Promise<string> {
    const { rows } = await this.database.pool.query<{ phase: string }>("select phase from runs where id = $1", [runId]);
    return rows[0]?.phase ?? "unknown";
  }

  async untilPhase(runId: string, phase: string, timeoutMs = 10_000): Promise<void> {
    const isThere = async () => (await this.phaseOf(runId)) === phase;
    await waitFor(isThere, { timeoutMs, what: `run ${runId} to be ${phase}` });
  }

  async close(): Promise<void> {
    await Promise.all(this.#schedulers.map((scheduler) => scheduler.close()));
    await this.queues.close();
    await this.redis?.close();
    await this.database.close();
    await this.#folder.close();
  }
}

export async function openWorld(queue: "redis" | "postgres" = "postgres"): Promise<World> {
  const database = await createTestDatabase();
  const redis = queue === "redis" ? await startRedis() : undefined;
  await insertProject(database.pool);
  const queues = await openQueues({
    redisUrl: redis?.url,
    postgresUrl: database.url,
    prefix: "skein",
    onError: () => undefined,
  });
  return new World(database, redis, queues);
}
