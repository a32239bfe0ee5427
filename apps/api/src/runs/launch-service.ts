import { create } from "@bufbuild/protobuf";
import {
  countShards,
  type Db,
  EVENTS_CHANNEL,
  findRun,
  insertRun,
  insertRunWithin,
  type LaunchLimit,
  type NameId,
  type Notifier,
  type RunMode,
} from "@skein/db";
import { checkInputs } from "@skein/engine";
import { SkeinError } from "@skein/errors";
import { toBytes } from "@skein/idl";
import { type ExecutionSpec, ExecutionSpecSchema } from "@skein/idl/admin";
import { type LiteralMap, LiteralMapSchema } from "@skein/idl/core";
import type { Storage } from "@skein/storage";
import type { Call } from "../call.ts";
import type { ProjectService } from "../projects/project-service.ts";
import { invalid, storableText } from "../registry/identity.ts";
import type { launchTargets } from "./launch-target.ts";
import { mergeSpec } from "./merge-spec.ts";
import { checkNotifications } from "./notifications.ts";
import { newRunId, readRunName, shardOf } from "./run-name.ts";
import { storeValue } from "./stored-values.ts";

/** A wish to start a run. */
export interface LaunchRequest {
  readonly project: string;
  readonly domain: string;
  /** Empty: the server makes a name. */
  readonly name: string;
  readonly spec: ExecutionSpec;
  readonly inputs: LiteralMap | undefined;
}

/** What a relaunch says beside the request. */
export interface LaunchOrigin {
  readonly mode: RunMode;
  readonly referenceRunId: string | null;
}

export interface LaunchDependencies {
  readonly db: Db;
  readonly storage: Storage;
  readonly notifier: Notifier;
  readonly projects: ProjectService;
  readonly findTarget: ReturnType<typeof launchTargets>;
}

/** Shards are added rarely, and a run keeps the shard that it was given. */
const SHARDS_CACHED_MS = 5_000;

const MANUAL: LaunchOrigin = { mode: "manual", referenceRunId: null };

/** Starts runs: checks the inputs, inserts run, inputs and event at once, wakes the scheduler (contract 6.1). */
export function launcher({ db, storage, notifier, projects, findTarget }: LaunchDependencies) {
  let shards = { count: 0, readAtMs: Number.NEGATIVE_INFINITY };

  async function shardCount(nowMs: number): Promise<number> {
    if (shards.count === 0 || nowMs - shards.readAtMs > SHARDS_CACHED_MS) {
      shards = { count: await countShards(db), readAtMs: nowMs };
    }
    return shards.count;
  }

  /** Why a run was not inserted. */
  async function refusal(call: Call, id: NameId): Promise<SkeinError> {
    await projects.requireActive(call, id.project, id.domain);
    if (await findRun(db, id)) return nameTaken(id);
    return new SkeinError("aborted", "launch_raced", `Run ${id.name} was not started: try again.`);
  }

  return async (call: Call, request: LaunchRequest, origin: LaunchOrigin = MANUAL): Promise<NameId> => {
    if (request.project === "") throw invalid("project", "is missing: give it a value");
    if (request.domain === "") throw invalid("domain", "is missing: give it a value");
    const id = { project: request.project, domain: request.domain, name: readRunName(request.name) };
    const overrides = request.spec.notificationOverrides;
    if (overrides.case === "notifications") checkNotifications("spec.notifications", overrides.value.notifications);

    const target = await findTarget(call, request.spec.launchPlan);
    const given = request.inputs ?? request.spec.inputs ?? create(LiteralMapSchema);
    const checked = checkInputs({ expected: target.expectedInputs, fixed: target.fixedInputs, given });
    if ("problems" in checked) {
      const message = `Inputs are invalid: ${checked.problems.map(({ message }) => message).join("; ")}.`;
      throw new SkeinError("invalid_argument", "inputs_invalid", message);
    }
    const principal = storableText(call.caller.subject);
    const { launched, launchPlan } = target;
    const spec = mergeSpec({ requested: request.spec, launchPlan, launched, principal });

    const createdAt = new Date();
    const runId = newRunId(createdAt.getTime());
    const folder = ["meta", id.project, id.domain, id.name, runId];
    const [shardsNow, userInputs, inputs] = await Promise.all([
      shardCount(createdAt.getTime()),
      storeValue(storage, toBytes(LiteralMapSchema, given), [...folder, "user-inputs.pb"]),
      storeValue(storage, toBytes(LiteralMapSchema, checked.inputs), [...folder, "inputs.pb"]),
    ]);
    const run = {
      ...id,
      id: runId,
      shard: shardOf(runId, shardsNow),
      mode: origin.mode,
      principal,
      launchPlanId: target.launchPlanId,
      taskId: target.taskId,
      workflowId: target.workflowId,
      referenceRunId: origin.referenceRunId,
      spec: toBytes(ExecutionSpecSchema, spec),
      userInputs,
      inputs,
      createdAt,
    };
    const inserted = target.limit ? await insertRunWithin(db, run, target.limit) : await insertRun(db.$client, run);
    if (inserted === "full" && target.limit) throw limitReached(target.limit);
    if (!inserted) throw await refusal(call, id);
    notifier.notify(EVENTS_CHANNEL);
    return id;
  };
}

const nameTaken = (id: NameId): SkeinError =>
  new SkeinError(
    "already_exists",
    "run_exists",
    `A run named ${id.name} exists already in ${id.project}/${id.domain}. Choose another name, or none.`,
    { details: { ...id } },
  );

/** Flyte's code for it: clients take a skipped run for one that is there already. */
const limitReached = ({ launchPlan, runsMax }: LaunchLimit): SkeinError =>
  new SkeinError(
    "already_exists",
    "launch_limit_reached",
    `Launch plan ${launchPlan.name} has ${runsMax} unfinished runs, the most that its concurrency policy allows. Wait for one to end.`,
    { details: { ...launchPlan, runsMax } },
  );
