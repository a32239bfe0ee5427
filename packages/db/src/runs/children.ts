import type { AttemptId } from "@skein/contracts";
import type { RunPhase } from "@skein/engine";
import type pg from "pg";
import type { NameId, VersionId } from "../registry/identity.ts";
import { askedWithEagerRuns } from "./eager-runs.ts";

/** What a run hands down to its child runs. */
export interface ParentRun {
  readonly runId: string;
  readonly principal: string;
  /** `flyteidl.admin.ExecutionSpec`. */
  readonly spec: Uint8Array;
}

/** A child run, found by the try of the action that started it. */
export interface ChildRun {
  readonly id: string;
  readonly parent: AttemptId;
  readonly phase: RunPhase;
}

/** The child run of an action of a reference, with what it was started with. */
export interface ReferenceChild {
  readonly id: string;
  readonly project: string;
  readonly domain: string;
  readonly name: string;
  /** Of the parent: which run and which of its actions. */
  readonly parentRunId: string;
  readonly parentOrdinal: number;
  readonly launchPlanId: string | null;
  readonly phase: RunPhase;
  /** What it was given: here, or in the object store. */
  readonly data: Uint8Array | null;
  readonly uri: string | null;
}

interface ActionRef {
  readonly runId: string;
  readonly ordinal: number;
}

const columnsOf = (attempts: readonly AttemptId[]) => [
  attempts.map(({ runId }) => runId),
  attempts.map(({ ordinal }) => ordinal),
  attempts.map(({ attempt }) => attempt),
];

export async function readParentRuns(pool: pg.Pool, runIds: readonly string[]): Promise<ParentRun[]> {
  const { rows } = await pool.query<ParentRun>({
    name: "read-parent-runs",
    text: `select id as "runId", principal, spec from runs where id = any($1::uuid[])`,
    values: [runIds],
  });
  return rows;
}

/** The child runs of these tries, as far as there are any. */
export async function readChildRuns(pool: pg.Pool, parents: readonly AttemptId[]): Promise<ChildRun[]> {
  const { rows } = await pool.query<{ id: string; phase: RunPhase } & AttemptId>({
    name: "read-child-runs",
    text: `select r.id, r.phase, u.run_id as "runId", u.ordinal, u.attempt
           from unnest($1::uuid[], $2::int[], $3::int[]) u(run_id, ordinal, attempt)
           join runs r on r.parent_run_id = u.run_id and r.parent_ordinal = u.ordinal and r.parent_attempt = u.attempt`,
    values: columnsOf(parents),
  });
  return rows.map(({ id, phase, ...parent }) => ({ id, phase, parent }));
}

/** The newest child run of each of these actions, as far as there is any. */
export async function readReferenceChildren(pool: pg.Pool, actions: readonly ActionRef[]): Promise<ReferenceChild[]> {
  const { rows } = await pool.query<ReferenceChild>({
    name: "read-reference-children",
    text: `select distinct on (r.parent_run_id, r.parent_ordinal) r.id, r.project, r.domain, r.name, r.phase,
             r.parent_run_id as "parentRunId", r.parent_ordinal as "parentOrdinal", r.launch_plan_id as "launchPlanId",
             i.data, i.uri
           from unnest($1::uuid[], $2::int[]) u(run_id, ordinal)
           join runs r on r.parent_run_id = u.run_id and r.parent_ordinal = u.ordinal
           join run_inputs i on i.run_id = r.id
           order by r.parent_run_id, r.parent_ordinal, r.parent_attempt desc`,
    values: [actions.map(({ runId }) => runId), actions.map(({ ordinal }) => ordinal)],
  });
  return rows;
}

/** Why a child run is to end. */
export interface ChildAbort extends AttemptId {
  readonly cause: string;
}

const CHILDREN = `
  select r.id, r.project, r.domain, r.name from unnest($1::uuid[], $2::int[], $3::int[]) u(run_id, ordinal, attempt)
  join runs r on r.parent_run_id = u.run_id and r.parent_ordinal = u.ordinal and r.parent_attempt = u.attempt
  where r.phase not in ('succeeded', 'failed', 'aborted')`;

/**
 * Asks the child runs of these tries to abort, in the name of who aborted their parents or else of who started them, and
 * with them the runs that eager tasks of theirs launched.
 * Those that are over stay as they are; asking twice changes nothing more. It locks no run: an event for one that ends
 * meanwhile is dropped by the scheduler.
 */
export async function abortChildRuns(pool: pg.Pool, aborts: readonly ChildAbort[], atMs: number): Promise<void> {
  await pool.query({
    name: "abort-child-runs",
    text: `
      with recursive ${askedWithEagerRuns(CHILDREN)}, left_behind as (
        insert into events (run_id, shard, event)
        select r.id, r.shard, jsonb_build_object('type', 'runAbortRequested', 'atMs', $5::bigint,
          'cause', 'the run of its eager task was aborted', 'principal', r.principal)
        from asked a join runs r on r.id = a.id
        where not exists (select from unnest($1::uuid[], $2::int[], $3::int[]) u(run_id, ordinal, attempt)
                          where r.parent_run_id = u.run_id and r.parent_ordinal = u.ordinal and r.parent_attempt = u.attempt)
      )
      insert into events (run_id, shard, event)
      select r.id, r.shard, jsonb_build_object('type', 'runAbortRequested', 'atMs', $5::bigint, 'cause', u.cause,
        'principal', coalesce(p.abort_principal, p.principal))
      from unnest($1::uuid[], $2::int[], $3::int[], $4::text[]) u(run_id, ordinal, attempt, cause)
      join runs p on p.id = u.run_id
      join runs r on r.parent_run_id = u.run_id and r.parent_ordinal = u.ordinal and r.parent_attempt = u.attempt
      where r.phase not in ('succeeded', 'failed', 'aborted')`,
    values: [...columnsOf(aborts), aborts.map(({ cause }) => cause), atMs],
  });
}

/** Why a child run was not inserted; `raced` if no reason is left, so that trying again may help. */
export type ChildRefusal = "launched" | "unwanted" | "projectInactive" | "nameTaken" | "raced";

/** Finds out why `insertRun` inserted no child under this name. */
export async function readChildRefusal(pool: pg.Pool, parent: AttemptId, id: NameId): Promise<ChildRefusal> {
  const { rows } = await pool.query<{ refusal: ChildRefusal }>({
    name: "read-child-refusal",
    text: `
      select case
        when exists (select from runs where parent_run_id = $1 and parent_ordinal = $2 and parent_attempt = $3) then 'launched'
        when not exists (select from actions where run_id = $1 and ordinal = $2 and attempts = $3 + 1 and phase = 'running')
          then 'unwanted'
        when not exists (select from projects where id = $4 and state = 'active') then 'projectInactive'
        when exists (select from runs where project = $4 and domain = $5 and name = $6) then 'nameTaken'
        else 'raced' end as refusal`,
    values: [parent.runId, parent.ordinal, parent.attempt, id.project, id.domain, id.name],
  });
  return rows[0]?.refusal ?? "raced";
}

/** What a launch of this version starts. */
export interface LaunchPlanRows {
  readonly id: string;
  readonly workflowId: string;
  /** `flyteidl.admin.LaunchPlanSpec`. */
  readonly spec: Uint8Array;
  /** `flyteidl.admin.LaunchPlanClosure`. */
  readonly closure: Uint8Array;
}

export async function readLaunchPlan(pool: pg.Pool, id: VersionId): Promise<LaunchPlanRows | undefined> {
  const { rows } = await pool.query<LaunchPlanRows>({
    name: "read-launch-plan",
    text: `select id, workflow_id as "workflowId", spec, closure from launch_plans
           where project = $1 and domain = $2 and name = $3 and version = $4`,
    values: [id.project, id.domain, id.name, id.version],
  });
  return rows[0];
}
