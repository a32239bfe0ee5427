import { drizzle } from "drizzle-orm/node-postgres";
import type pg from "pg";
import type { Tx } from "../connect.ts";
import type { NameId } from "../registry/identity.ts";
import { lockName } from "../registry/named-entities.ts";
import { insertAbortRequest } from "./abort.ts";
import { insertRun, type NewRun } from "./launch.ts";

/**
 * What becomes of a launch above its limit: it is refused, it waits for its turn, or it waits while the oldest runs above
 * the limit are aborted for it.
 */
export const WHEN_FULL = ["skip", "queue", "replace"] as const;
export type WhenFull = (typeof WHEN_FULL)[number];

/** How many unfinished runs all versions of a launch plan may have together. */
export interface LaunchLimit {
  readonly launchPlan: NameId;
  readonly runsMax: number;
  readonly whenFull: WhenFull;
}

/** Unfinished runs of a launch plan that do not wait for their turn, as `r`. */
const STARTED = `from runs r join launch_plans l on l.id = r.launch_plan_id
  where r.phase not in ('succeeded', 'failed', 'aborted') and l.project = $1 and l.domain = $2 and l.name = $3
    and not exists (select from waiting_runs w where w.run_id = r.id)`;

const nameOf = ({ project, domain, name }: NameId) => [project, domain, name];

/**
 * Like `insertRun`, but above the limit `full` instead of a run, or `waiting` and a run that nobody starts yet. A launch
 * never overtakes those that wait. Launches of one launch plan take turns by a lock, so that two at once cannot both take
 * the last place.
 */
export async function insertRunWithin(
  pool: pg.Pool,
  run: NewRun,
  limit: LaunchLimit,
): Promise<boolean | "full" | "waiting"> {
  const client = await pool.connect();
  try {
    return await drizzle({ client, casing: "snake_case" }).transaction(async (tx) => {
      await lockName(tx, "launch_plan", limit.launchPlan);
      const { started, waiting } = await countRuns(client, limit.launchPlan);
      if (limit.whenFull === "skip") return started + waiting >= limit.runsMax ? "full" : insertRun(client, run);
      if (started < limit.runsMax && waiting === 0) return insertRun(client, run);
      if (run.parent && (await isBelowItself(client, run.parent.runId, limit.launchPlan))) return "full";
      if (!(await insertRun(client, run))) return false;
      if (limit.whenFull === "replace") await abortOldest(tx, client, run, limit, started);
      await letWait(client, run, limit);
      return "waiting";
    });
  } finally {
    client.release();
  }
}

async function countRuns(
  client: pg.ClientBase,
  launchPlan: NameId,
): Promise<{ readonly started: number; readonly waiting: number }> {
  const { rows } = await client.query<{ started: number; waiting: number }>(
    `select (select count(*) ${STARTED})::int as started,
       (select count(*) from waiting_runs where project = $1 and domain = $2 and name = $3)::int as waiting`,
    nameOf(launchPlan),
  );
  return rows[0] ?? { started: 0, waiting: 0 };
}

/** A run that waits for a place of a run above it would wait for ever. */
async function isBelowItself(client: pg.ClientBase, parentRunId: string, launchPlan: NameId): Promise<boolean> {
  const { rowCount } = await client.query(
    `with recursive above as (
       select id, parent_run_id, launch_plan_id from runs where id = $4
       union all
       select r.id, r.parent_run_id, r.launch_plan_id from above a join runs r on r.id = a.parent_run_id)
     select from above a join launch_plans l on l.id = a.launch_plan_id
     where l.project = $1 and l.domain = $2 and l.name = $3 limit 1`,
    [...nameOf(launchPlan), parentRunId],
  );
  return rowCount === 1;
}

/** Takes the event back that would start the run. Nobody has seen it: the transaction that made it is still open. */
async function letWait(client: pg.ClientBase, run: NewRun, { launchPlan, runsMax }: LaunchLimit): Promise<void> {
  await client.query(
    `with event as (delete from events where run_id = $4)
     insert into waiting_runs (run_id, project, domain, name, runs_max, priority)
     select id, $1, $2, $3, $5, priority from runs where id = $4`,
    [...nameOf(launchPlan), run.id, runsMax],
  );
}

/** Asks the oldest runs to end, until one place is left for the newest; others that wait are not wanted any more. */
async function abortOldest(
  tx: Tx,
  client: pg.ClientBase,
  { name, principal }: NewRun,
  { launchPlan, runsMax }: LaunchLimit,
  started: number,
): Promise<void> {
  const { rows } = await client.query<{ id: string }>(
    `(select r.id ${STARTED} and r.phase <> 'aborting' order by r.created_at, r.id limit $4)
     union all select run_id from waiting_runs where project = $1 and domain = $2 and name = $3`,
    [...nameOf(launchPlan), Math.max(0, started - runsMax + 1)],
  );
  const cause = `Run ${name} of the same launch plan takes its place.`;
  for (const { id } of rows) await insertAbortRequest(tx, id, { cause, principal, atMs: Date.now() });
}

/** Launch plans of which runs wait for their turn. */
export async function readNamesWithWaitingRuns(db: pg.Pool): Promise<NameId[]> {
  const next = (more: string) =>
    `select project, domain, name from waiting_runs ${more} order by project, domain, name limit 1`;
  const { rows } = await db.query<NameId>({
    name: "read-names-with-waiting-runs",
    text: `with recursive names as (
             (${next("")})
             union all
             select n.* from names p
             cross join lateral (${next("where (project, domain, name) > (p.project, p.domain, p.name)")}) n)
           select project, domain, name from names`,
  });
  return rows;
}

/**
 * Starts as many of the waiting runs of a launch plan as there are places: the highest priority first, then the oldest.
 * Answers how many. The lock of launches keeps two schedulers from giving one place to two runs.
 */
export async function startWaitingRuns(pool: pg.Pool, launchPlan: NameId, atMs: number): Promise<number> {
  const client = await pool.connect();
  try {
    return await drizzle({ client, casing: "snake_case" }).transaction(async (tx) => {
      await lockName(tx, "launch_plan", launchPlan);
      await forgetEnded(client, launchPlan);
      const { started } = await countRuns(client, launchPlan);
      const { rowCount } = await client.query(
        `with next as (
           select w.run_id, row_number() over (order by w.priority desc, w.id) as place, w.id, w.priority,
             case when l.name is null then w.runs_max when l.runs_max = 0 then null else l.runs_max end as runs_max
           from waiting_runs w
           left join launch_plan_limits l on l.project = w.project and l.domain = w.domain and l.name = w.name
           where w.project = $1 and w.domain = $2 and w.name = $3
         ), taken as (
           delete from waiting_runs w using next n
           where w.run_id = n.run_id and (n.runs_max is null or n.place <= n.runs_max - $4) returning w.run_id, n.place
         )
         insert into events (run_id, shard, event)
         select r.id, r.shard, jsonb_build_object('type', 'runStarted', 'atMs', $5::float8)
         from taken t join runs r on r.id = t.run_id order by t.place`,
        [...nameOf(launchPlan), started, atMs],
      );
      return rowCount ?? 0;
    });
  } finally {
    client.release();
  }
}

/** Runs that were aborted while they waited, or are gone. */
async function forgetEnded(client: pg.ClientBase, launchPlan: NameId): Promise<void> {
  await client.query(
    `delete from waiting_runs w where project = $1 and domain = $2 and name = $3
       and not exists (select from runs r where r.id = w.run_id and r.phase = 'queued')`,
    nameOf(launchPlan),
  );
}
