import { create, toBinary } from "@bufbuild/protobuf";
import { type AttemptId, type AttemptReport, attemptToken } from "@skein/contracts";
import { insertRun } from "@skein/db";
import { compileWorkflow } from "@skein/engine";
import type { TaskCreateRequest, WorkflowCreateRequest } from "@skein/idl/admin";
import { CompiledTaskSchema, CompiledWorkflowClosureSchema, type Literal, LiteralMapSchema } from "@skein/idl/core";
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

function inputsOf(x: bigint | string): Uint8Array {
  const value = typeof x === "bigint" ? { case: "integer", value: x } : { case: "stringValue", value: x };
  const primitive = { case: "primitive", value: { value } } as const;
  const literal = { value: { case: "scalar", value: { value: primitive } } } as unknown as Literal;
  return toBinary(LiteralMapSchema, create(LiteralMapSchema, { literals: { x: literal } }));
}

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
  async launch(workflowId: number, x: bigint | string = 42n): Promise<string> {
    const { pool, db } = this.database;
    const { rows } = await pool.query<{ count: number }>("select greatest(count(*), 1)::int as count from shards");
    const id = crypto.randomUUID();
    const data = inputsOf(x);
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
