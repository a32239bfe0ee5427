import type { AttemptId } from "@skein/contracts";
import type pg from "pg";
import type { RUN_MODES } from "../schema/index.ts";
import { PLAIN_SETTINGS, type RunSettings } from "./run-settings.ts";

export type RunMode = (typeof RUN_MODES)[number];

/** A serialized literal map: in the row, or in the object store. */
export type StoredValue =
  | { readonly data: Uint8Array; readonly uri?: undefined; readonly sizeBytes: number }
  | { readonly data?: undefined; readonly uri: string; readonly sizeBytes: number };

/** What a run can be found by: a tag, which has no value, or a label. */
export interface RunTag {
  readonly tag: string;
  readonly value: string;
}

/** A run about to start. `launchPlanId` or `taskId` is null (see the table). */
export interface NewRun {
  /** UUIDv7. */
  readonly id: string;
  readonly project: string;
  readonly domain: string;
  readonly name: string;
  readonly shard: number;
  readonly mode: RunMode;
  readonly principal: string;
  readonly launchPlanId: number | null;
  readonly taskId: number | null;
  readonly workflowId: number;
  readonly referenceRunId: string | null;
  /** For a recovered run: names of actions of the reference from which on everything is done anew. */
  readonly rerunFrom?: readonly string[];
  /** For a child run: the try of the launch plan's action that starts it. */
  readonly parent?: AttemptId;
  readonly overwriteCache?: boolean;
  readonly settings?: RunSettings;
  readonly tags?: readonly RunTag[];
  /** `flyteidl.admin.ExecutionSpec`. */
  readonly spec: Uint8Array;
  /** What the user gave. */
  readonly userInputs: StoredValue;
  /** With defaults and fixed inputs: the outputs of the run's start-node. */
  readonly inputs: StoredValue;
  readonly createdAt: Date;
}

/**
 * A child's parent is locked until the child is committed. The commit that ends the action, or begins to, waits for that
 * or is seen here: so either the child is there for whoever aborts it, or it never comes to be.
 */
const PARENT = `
with parent as (
  select a.run_id, a.ordinal, r.priority from actions a join runs r on r.id = a.run_id
  where a.run_id = $31::uuid and a.ordinal = $32::int and a.attempts = $33::int + 1 and a.phase = 'running'
  for share of a
), `;

/** What most launches do not need stands in statements of its own, so that they do not pay for it. */
const statementOf = (isChild: boolean, hasTags: boolean): string => `
${isChild ? PARENT : "with "}run as (
  insert into runs (id, project, domain, name, shard, mode, principal, launch_plan_id, task_id, workflow_id,
                    reference_run_id, spec, created_at, updated_at, overwrite_cache, rerun_from,
                    priority, pool, max_parallelism, queue_timeout_ms, has_notifications, found_inputs, memory_growth
                    ${isChild ? ", parent_run_id, parent_ordinal, parent_attempt" : ""})
  select $1::uuid, projects.id, domains.id, $4, $5::smallint, $6::run_mode, $7, $8::bigint, $9::bigint, $10::bigint,
         $11::uuid, $12::bytea, $13::timestamptz, $13::timestamptz, $21::boolean, $22::text[],
         ${isChild ? "coalesce(parent.priority, $23::smallint)" : "$23::smallint"}, $24, $25::int, $26::bigint, $27::boolean, $28::jsonb, $29
         ${isChild ? ", parent.run_id, parent.ordinal, $33::int" : ""}
  from projects, domains ${isChild ? ", parent" : ""}
  where projects.id = $2 and projects.state = 'active' and domains.id = $3
  on conflict do nothing
  returning id, shard
), given as (
  insert into run_inputs (run_id, data, uri, size_bytes) select id, $14::bytea, $15::text, $16::bigint from run
), computed as (
  insert into action_values (run_id, ordinal, side, data, uri, size_bytes)
  select id, 0, 'outputs', $17::bytea, $18::text, $19::bigint from run
), event as (
  insert into events (run_id, shard, event) select id, shard, $20::jsonb from run
)${hasTags ? ", tags as (insert into run_tags (run_id, tag, value) select id, t.tag, t.value from run, jsonb_to_recordset($30::jsonb) t(tag text, value text) on conflict do nothing)" : ""}
select id from run`;

/** Planned once per connection: planning it anew for each launch would cost Postgres more than running it. */
const PLAIN = { name: "insert-run", text: statementOf(false, false), parameters: 29 };
const TAGGED = { name: "insert-tagged-run", text: statementOf(false, true), parameters: 30 };
const CHILD = { name: "insert-child-run", text: statementOf(true, true), parameters: 33 };

/** A null stays a null; bytes become what `pg` sends as bytea. */
const valueColumns = ({ data, uri, sizeBytes }: StoredValue) => [
  data ? Buffer.from(data) : null,
  uri ?? null,
  sizeBytes,
];

/**
 * Inserts the run, its inputs and its `runStarted` event in one statement, so that a launch costs one round trip and
 * one fsync. False when nothing was inserted: the name is taken, the project is not active, project or domain do not
 * exist, or, of a child run, the parent has it already or does not wait for it any more. The caller finds out which, and
 * wakes the scheduler after a true.
 */
export async function insertRun(connection: pg.Pool | pg.ClientBase, run: NewRun): Promise<boolean> {
  const { tags = [], parent, settings = PLAIN_SETTINGS } = run;
  const statement = parent ? CHILD : tags.length > 0 ? TAGGED : PLAIN;
  const event = JSON.stringify({ type: "runStarted", atMs: run.createdAt.getTime() });
  const values = [
    run.id,
    run.project,
    run.domain,
    run.name,
    run.shard,
    run.mode,
    run.principal,
    run.launchPlanId,
    run.taskId,
    run.workflowId,
    run.referenceRunId,
    Buffer.from(run.spec),
    run.createdAt.toISOString(),
    ...valueColumns(run.userInputs),
    ...valueColumns(run.inputs),
    event,
    run.overwriteCache ?? false,
    run.rerunFrom ?? null,
    settings.priority,
    settings.pool,
    settings.maxParallelism,
    settings.queueTimeoutMs,
    settings.hasNotifications,
    settings.foundInputs ? JSON.stringify(settings.foundInputs) : null,
    settings.memoryGrowth,
    JSON.stringify(tags),
    parent?.runId,
    parent?.ordinal,
    parent?.attempt,
  ];
  const { name, text, parameters } = statement;
  const { rowCount } = await connection.query({ name, text, values: values.slice(0, parameters) });
  return rowCount === 1;
}

/** How many shards the runs are spread over; 0 before a scheduler has ever started. */
export async function countShards(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>("select count(*)::int as count from shards");
  return rows[0]?.count ?? 0;
}
