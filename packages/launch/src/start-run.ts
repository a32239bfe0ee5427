import type { AttemptId } from "@skein/contracts";
import {
  countShards,
  insertRun,
  insertRunWithin,
  type LaunchLimit,
  type NameId,
  type NewRun,
  type OpenDb,
  type RunMode,
  type RunTag,
} from "@skein/db";
import { checkInputs } from "@skein/engine";
import { toBytes } from "@skein/idl";
import { type ExecutionSpec, ExecutionSpecSchema } from "@skein/idl/admin";
import { type LiteralMap, LiteralMapSchema } from "@skein/idl/core";
import { type LimitBook, openLimitBook } from "./concurrency.ts";
import { foundInputs } from "./found-inputs.ts";
import { type LaunchTarget, policyScopeOf } from "./launch-target.ts";
import { mergeSpec } from "./merge-spec.ts";
import { openPolicyBook, type PolicyBook } from "./policies/policy-book.ts";
import { poolOfRun } from "./policies/pool-of-run.ts";
import { askedPriority, givePriority } from "./priority.ts";
import { newRunId, shardOf } from "./run-name.ts";
import { runSettings } from "./run-settings.ts";
import { storeValue, type ValueStore } from "./stored-values.ts";

/** The longest key and value that Kubernetes allows fit; a run cannot be found by what is longer. */
const FOUND_BY_LENGTH_MAX = 320;

/** What filters of `execution_tag` find: Flyte counts labels as tags with a value. */
function tagsOf(spec: ExecutionSpec): RunTag[] {
  const labels = Object.entries(spec.labels?.values ?? {}).map(([tag, value]) => ({ tag, value }));
  const found = labels.filter(({ tag, value }) => [tag, value].every(isFindable));
  return [...Array.from(new Set(spec.tags), (tag) => ({ tag, value: "" })), ...found];
}

const isFindable = (text: string): boolean => text.length <= FOUND_BY_LENGTH_MAX && !text.includes("\u0000");

/** Where a run comes from. */
export interface LaunchOrigin {
  readonly mode: RunMode;
  /** The run that it repeats. */
  readonly referenceRunId: string | null;
  /** Names of actions of the reference from which on everything is done anew. */
  readonly rerunFrom?: readonly string[];
  /** The try of the launch plan's action that starts it. */
  readonly parent?: AttemptId;
}

/** A run to start. Whether the caller may do so has been decided before. */
export interface Launch {
  readonly id: NameId;
  readonly target: LaunchTarget;
  readonly requested: ExecutionSpec;
  /** What the user gave, without defaults and fixed inputs. */
  readonly given: LiteralMap;
  readonly principal: string;
  readonly origin: LaunchOrigin;
  /** In place of what the merged spec says. */
  readonly priority?: number | undefined;
  /** In place of what the launch plan says, and of what people decided about it. */
  readonly limit?: LaunchLimit;
}

/**
 * What came of a launch. `notInserted` is for many reasons (see `insertRun`), which only the caller has to tell apart.
 */
export type LaunchOutcome =
  | { readonly type: "started"; readonly runId: string; readonly isWaiting: boolean }
  | { readonly type: "inputsInvalid"; readonly problems: string }
  | { readonly type: "poolRefused"; readonly problem: string }
  | { readonly type: "full"; readonly limit: LaunchLimit }
  | { readonly type: "notInserted" };

/** What a run is started with where neither its request nor its launch plan says. */
export interface LaunchDefaults {
  /** How many of its tasks may be under way at once; 0 for any number. */
  readonly maxParallelism: number;
  /** What administrators set for projects. */
  readonly policies?: PolicyBook;
  /** What people decided about launch plans. */
  readonly limits?: LimitBook;
}

/** A child run says as much as the run around it, so who launches children needs none. */
const NO_DEFAULTS: LaunchDefaults = { maxParallelism: 0 };

/** Shards are added rarely, and a run keeps the shard that it was given. */
const SHARDS_CACHED_MS = 5_000;

export type RunStarter = ReturnType<typeof runStarter>;

/**
 * Starts runs: checks the inputs, merges the spec, and inserts run, inputs and event at once (contract 6.1). The caller
 * wakes the scheduler after `started`.
 */
export function runStarter(
  pool: OpenDb["pool"],
  storage: ValueStore,
  { maxParallelism, policies: book = openPolicyBook(pool), limits = openLimitBook(pool) }: LaunchDefaults = NO_DEFAULTS,
) {
  let shards = { count: 0, readAtMs: Number.NEGATIVE_INFINITY };

  async function shardCount(nowMs: number): Promise<number> {
    if (shards.count === 0 || nowMs - shards.readAtMs > SHARDS_CACHED_MS) {
      shards = { count: await countShards(pool), readAtMs: nowMs };
    }
    return shards.count;
  }

  /** What a run is started with, and whose agents do its work. */
  async function specOf({ id, target, requested, principal, priority }: Launch) {
    const { launched, launchPlan } = target;
    const policies = await book.of(id.project);
    const scope = policyScopeOf(id.domain, target);
    const spec = mergeSpec({ requested, launchPlan, launched, principal, policies, scope, maxParallelism });
    // What the request says in a label must not lose against an annotation of the launch plan.
    const asked = priority ?? askedPriority(requested);
    if (asked !== undefined) givePriority(spec, asked);
    return { spec, place: poolOfRun(spec, policies, scope) };
  }

  /** The rows of a run that takes these inputs. */
  async function rowsOf(
    { id, target, given, principal, origin }: Launch,
    inputs: LiteralMap,
    spec: ExecutionSpec,
    workPool: string,
  ) {
    const { launchPlanId, taskId, workflowId } = target;
    const createdAt = new Date();
    const runId = newRunId(createdAt.getTime());
    const folder = ["meta", id.project, id.domain, id.name, runId];
    const [shardsNow, userInputs, allInputs] = await Promise.all([
      shardCount(createdAt.getTime()),
      storeValue(storage, toBytes(LiteralMapSchema, given), [...folder, "user-inputs.pb"]),
      storeValue(storage, toBytes(LiteralMapSchema, inputs), [...folder, "inputs.pb"]),
    ]);
    return {
      ...id,
      ...origin,
      id: runId,
      shard: shardOf(runId, shardsNow),
      principal,
      launchPlanId,
      taskId,
      workflowId,
      overwriteCache: spec.overwriteCache,
      settings: { ...runSettings(spec), pool: workPool, foundInputs: foundInputs(inputs) },
      tags: tagsOf(spec),
      spec: toBytes(ExecutionSpecSchema, spec),
      userInputs,
      inputs: allInputs,
      createdAt,
    } satisfies NewRun;
  }

  return async (launch: Launch): Promise<LaunchOutcome> => {
    const { expectedInputs: expected, fixedInputs: fixed } = launch.target;
    const checked = checkInputs({ expected, fixed, given: launch.given });
    if ("problems" in checked) {
      return { type: "inputsInvalid", problems: checked.problems.map(({ message }) => message).join("; ") };
    }
    const { spec, place } = await specOf(launch);
    if ("problem" in place) return { type: "poolRefused", problem: place.problem };
    const run = await rowsOf(launch, checked.inputs, spec, place.pool);
    return insert(pool, run, launch.limit ?? (await limits.of(launch.target)));
  };
}

async function insert(pool: OpenDb["pool"], run: NewRun, limit: LaunchLimit | undefined): Promise<LaunchOutcome> {
  const inserted = limit ? await insertRunWithin(pool, run, limit) : await insertRun(pool, run);
  if (inserted === "full" && limit) return { type: "full", limit };
  return inserted ? { type: "started", runId: run.id, isWaiting: inserted === "waiting" } : { type: "notInserted" };
}
