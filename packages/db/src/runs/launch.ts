import { and, eq, notInArray, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import type pg from "pg";
import type { Db, Tx } from "../connect.ts";
import type { NameId } from "../registry/identity.ts";
import { lockName } from "../registry/named-entities.ts";
import { launchPlans, type RUN_MODES, runs, shards } from "../schema/index.ts";

export type RunMode = (typeof RUN_MODES)[number];

/** A serialized literal map: in the row, or in the object store. */
export type StoredValue =
  | { readonly data: Uint8Array; readonly uri?: undefined; readonly sizeBytes: number }
  | { readonly data?: undefined; readonly uri: string; readonly sizeBytes: number };

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
  /** `flyteidl.admin.ExecutionSpec`. */
  readonly spec: Uint8Array;
  /** What the user gave. */
  readonly userInputs: StoredValue;
  /** With defaults and fixed inputs: the outputs of the run's start-node. */
  readonly inputs: StoredValue;
  readonly createdAt: Date;
}

/** Planned once per connection: planning it anew for each launch would cost Postgres more than running it. */
const INSERT_RUN = `
with run as (
  insert into runs (id, project, domain, name, shard, mode, principal, launch_plan_id, task_id, workflow_id,
                    reference_run_id, spec, created_at, updated_at)
  select $1::uuid, projects.id, domains.id, $4, $5::smallint, $6::run_mode, $7, $8::bigint, $9::bigint, $10::bigint,
         $11::uuid, $12::bytea, $13::timestamptz, $13::timestamptz
  from projects, domains
  where projects.id = $2 and projects.state = 'active' and domains.id = $3
  on conflict (project, domain, name) do nothing
  returning id, shard
), given as (
  insert into run_inputs (run_id, data, uri, size_bytes) select id, $14::bytea, $15::text, $16::bigint from run
), computed as (
  insert into action_values (run_id, ordinal, side, data, uri, size_bytes)
  select id, 0, 'outputs', $17::bytea, $18::text, $19::bigint from run
), event as (
  insert into events (run_id, shard, event) select id, shard, $20::jsonb from run
)
select id from run`;

/** A null stays a null; bytes become what `pg` sends as bytea. */
const valueColumns = ({ data, uri, sizeBytes }: StoredValue) => [
  data ? Buffer.from(data) : null,
  uri ?? null,
  sizeBytes,
];

/**
 * Inserts the run, its inputs and its `runStarted` event in one statement, so that a launch costs one round trip and
 * one fsync. False when nothing was inserted: the name is taken, the project is not active, or project or domain do not
 * exist. The caller finds out which, and wakes the scheduler after a true.
 */
export async function insertRun(connection: pg.Pool | pg.ClientBase, run: NewRun): Promise<boolean> {
  const event = JSON.stringify({ type: "runStarted", atMs: run.createdAt.getTime() });
  const { rowCount } = await connection.query({
    name: "insert-run",
    text: INSERT_RUN,
    values: [
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
    ],
  });
  return rowCount === 1;
}

/** How many unfinished runs all versions of a launch plan may have together. */
export interface LaunchLimit {
  readonly launchPlan: NameId;
  readonly runsMax: number;
}

/**
 * Like `insertRun`, but `full` instead of a run above the limit. Launches of one launch plan take turns by a lock, so that
 * two at once cannot both take the last place.
 */
export async function insertRunWithin(
  db: Db,
  run: NewRun,
  { launchPlan, runsMax }: LaunchLimit,
): Promise<boolean | "full"> {
  const client = await db.$client.connect();
  try {
    return await drizzle({ client, casing: "snake_case" }).transaction((tx) => insertBelow(tx, client));
  } finally {
    client.release();
  }

  async function insertBelow(tx: Tx, connection: pg.ClientBase): Promise<boolean | "full"> {
    await lockName(tx, "launch_plan", launchPlan);
    const [counted] = await tx
      .select({ unfinished: sql<number>`count(*)::int` })
      .from(runs)
      .innerJoin(launchPlans, eq(launchPlans.id, runs.launchPlanId))
      .where(
        and(
          // Repeats the condition of `runs_unfinished_idx`, which holds only the few that are not over.
          notInArray(runs.phase, ["succeeded", "failed", "aborted"]),
          eq(launchPlans.project, launchPlan.project),
          eq(launchPlans.domain, launchPlan.domain),
          eq(launchPlans.name, launchPlan.name),
        ),
      );
    return (counted?.unfinished ?? 0) >= runsMax ? "full" : insertRun(connection, run);
  }
}

/** How many shards the runs are spread over; 0 before a scheduler has ever started. */
export const countShards = (db: Db): Promise<number> => db.$count(shards);
