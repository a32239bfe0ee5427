import type { ActionKind, ActionState, AttemptState, ErrandKind, RunPhase, TimerKind } from "@skein/engine";
import type pg from "pg";

/** A run that waits for fewer unfinished runs of its launch plan. */
export interface TurnWait {
  readonly launchPlan: string;
  readonly runsMax: number;
  /** From 1. */
  readonly place: number;
  /** How many wait. */
  readonly total: number;
}

/** Undefined for a run that does not wait for its turn. */
export async function findTurnWait(db: pg.Pool, runId: string): Promise<TurnWait | undefined> {
  const { rows } = await db.query<TurnWait>({
    name: "find-turn-wait",
    text: `select w.name as "launchPlan", coalesce(l.runs_max, w.runs_max) as "runsMax",
             (select count(*)::int from waiting_runs o where o.project = w.project and o.domain = w.domain and o.name = w.name
                and (o.priority > w.priority or o.priority = w.priority and o.id <= w.id)) as place,
             (select count(*)::int from waiting_runs o
              where o.project = w.project and o.domain = w.domain and o.name = w.name) as total
           from waiting_runs w
           left join launch_plan_limits l on l.project = w.project and l.domain = w.domain and l.name = w.name
           where w.run_id = $1`,
    values: [runId],
  });
  return rows[0];
}

/** What stands in rows about an action that is not over and that no agent works on. */
export interface ActionWait {
  readonly ordinal: number;
  readonly name: string;
  readonly kind: ActionKind;
  readonly phase: ActionState["phase"];
  readonly attempts: number;
  readonly cacheStatus: ActionState["cacheStatus"];
  readonly taskKey: string | null;
  /** Of its newest attempt; null where it has none. */
  readonly attemptPhase: AttemptState["phase"] | null;
  readonly pool: string | null;
  readonly agentId: string | null;
  readonly waitingReason: string | null;
  /** Its order waits for a place in the pool's window. */
  readonly isBacklog: boolean;
  readonly priority: number;
  /** Orders of its project in this pool that go before its own, counted up to a thousand. */
  readonly ahead: number;
  readonly timer: TimerKind | null;
  readonly dueAt: Date | null;
  readonly errand: ErrandKind | null;
  readonly signalId: string | null;
  readonly isApproval: boolean | null;
  readonly childRun: string | null;
  readonly childPhase: RunPhase | null;
}

/** Orders that are counted at most. */
export const AHEAD_MAX = 1_000;

/**
 * The open actions of a run that nobody works on, or the one with this name, the oldest first. Steps that stand for
 * others are left out: what waits is under them.
 */
export async function readActionWaits(
  db: pg.Pool,
  runId: string,
  name: string | null,
  limit: number,
): Promise<ActionWait[]> {
  const { rows } = await db.query<ActionWait>({
    name: "read-action-waits",
    text: `with open as (
             select a.* from actions a
             where a.run_id = $1 and a.ended_at is null and ($2::text is null or a.name = $2)
               and a.kind in ('task', 'gate', 'array', 'launch_plan')
               and not exists (select from attempts t where t.run_id = a.run_id and t.ordinal = a.ordinal
                                 and t.attempt = a.attempts - 1 and t.phase = 'running')
             order by a.ordinal limit $3)
           select a.ordinal, a.name, a.kind, a.phase, a.attempts, a.cache_status as "cacheStatus", a.task_key as "taskKey",
             t.phase as "attemptPhase", t.pool, k.agent_id as "agentId", t.waiting_reason as "waitingReason",
             coalesce(c.run_id is not null and c.published_at is null, false) as "isBacklog", coalesce(c.priority, 0) as priority,
             case when c.published_at is null then coalesce(o.ahead, 0) else 0 end as ahead,
             m.kind as timer, m.due_at as "dueAt", e.kind as errand, s.signal_id as "signalId", s.is_approval as "isApproval",
             r.name as "childRun", r.phase as "childPhase"
           from open a
           left join attempts t on t.run_id = a.run_id and t.ordinal = a.ordinal and t.attempt = a.attempts - 1
           left join claims k on k.run_id = t.run_id and k.ordinal = t.ordinal and k.attempt = t.attempt
           left join commands c on c.run_id = t.run_id and c.ordinal = t.ordinal and c.attempt = t.attempt
           left join lateral (
             select count(*)::int as ahead from (
               select from commands q where q.pool = c.pool and q.kind = c.kind and q.published_at is null
                 and q.priority = c.priority and q.project = c.project and q.id < c.id limit ${AHEAD_MAX}) q) o on true
           left join lateral (
             select kind, due_at from timers m where m.run_id = a.run_id and m.ordinal = a.ordinal
               and m.kind in ('backoff', 'wake') order by due_at limit 1) m on true
           left join lateral (
             select kind from errands e where e.run_id = a.run_id and e.ordinal = a.ordinal order by id limit 1) e on true
           left join signals s on s.run_id = a.run_id and s.ordinal = a.ordinal and s.value is null
           left join lateral (
             select name, phase from runs r where r.parent_run_id = a.run_id and r.parent_ordinal = a.ordinal
             order by r.parent_attempt desc limit 1) r on true
           order by a.ordinal`,
    values: [runId, name, limit],
  });
  return rows;
}

/** How full a pool is: what its agents that take orders have, and what they hold. */
export interface PoolFill {
  readonly agents: number;
  readonly slots: number;
  readonly held: number;
}

export async function readPoolFill(db: pg.Pool, pool: string): Promise<PoolFill> {
  const { rows } = await db.query<PoolFill>({
    name: "read-pool-fill",
    text: `select count(*)::int as agents, coalesce(sum(a.slots), 0)::int as slots,
             coalesce(sum((select count(*) from claims c where c.agent_id = a.id)), 0)::int as held
           from agents a where a.pool = $1 and a.lease_expires_at > now() and not a.draining and not a.is_cordoned`,
    values: [pool],
  });
  return rows[0] ?? { agents: 0, slots: 0, held: 0 };
}

/** The names of runs that compute what the cache of a task is waited for, other than this one. */
export async function readCacheHolders(
  db: pg.Pool,
  runId: string,
  { project, domain, datasetName }: { readonly project: string; readonly domain: string; readonly datasetName: string },
): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>({
    name: "read-cache-holders",
    text: `select distinct r.name from cache_reservations c join runs r on r.id = c.run_id
           where c.project = $1 and c.domain = $2 and c.dataset_name = $3 and c.expires_at > now() and c.run_id <> $4
           order by r.name limit 3`,
    values: [project, domain, datasetName, runId],
  });
  return rows.map(({ name }) => name);
}

/** Which of the actions with these names are over. */
export async function readOverNames(db: pg.Pool, runId: string, names: readonly string[]): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>({
    name: "read-over-names",
    text: "select name from actions where run_id = $1 and name = any($2::text[]) and ended_at is not null",
    values: [runId, names],
  });
  return rows.map(({ name }) => name);
}
