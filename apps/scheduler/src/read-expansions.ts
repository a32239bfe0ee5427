import { create, toBinary } from "@bufbuild/protobuf";
import { type Db, findLaunchPlan, findTask } from "@skein/db";
import {
  compileDynamic,
  describeCompileErrors,
  type EngineEvent,
  entityKey,
  type Failure,
  type LaunchPlanInterface,
  type Program,
  type ProgramTask,
  type RequiredIds,
  readProgram,
  requiredByDynamic,
} from "@skein/engine";
import { fromBytes } from "@skein/idl";
import { LaunchPlanClosureSchema, TaskClosureSchema } from "@skein/idl/admin";
import {
  type CompiledTask,
  type CompiledWorkflowClosure,
  CompiledWorkflowClosureSchema,
  type DynamicJobSpec,
  DynamicJobSpecSchema,
  type Identifier,
  TaskTemplateSchema,
} from "@skein/idl/core";
import { asFailure, isCurrent, OUTPUTS_NOT_FOUND } from "./attempt-reports.ts";
import type { Fact } from "./inbox.ts";
import { isOutage } from "./outage.ts";
import type { CachedRun } from "./run-cache.ts";
import { isMissing, type ObjectStore } from "./values.ts";

/** The workflow that a task wrote instead of outputs, compiled. */
export interface ReadExpansion {
  readonly program: Program;
  /** `flyteidl.core.CompiledWorkflowClosure`. */
  readonly compiled: Uint8Array;
  /** Where the task left it. */
  readonly specUri: string;
}

export interface ExpansionTools {
  readonly db: Db;
  readonly storage: ObjectStore;
}

const COMPILE_FAILED = "DynamicWorkflowCompileFailed";
/** A workflow of 5,000 nodes takes a few MB. */
const SPEC_BYTES_MAX = 64 * 1024 * 1024;
const MESSAGE_LENGTH_MAX = 20_000;

/**
 * The facts of one run, where the success of a task that wrote a workflow has become `attemptExpanded`, with the workflow compiled, or
 * a failure of the attempt. Rejects when the store or the database does not answer.
 */
export function readExpansions(run: CachedRun, facts: readonly Fact[], tools: ExpansionTools): Promise<Fact[]> {
  return Promise.all(facts.map((fact) => readOne(run, fact, tools)));
}

async function readOne(run: CachedRun, fact: Fact, tools: ExpansionTools): Promise<Fact> {
  const { report } = fact;
  if (report?.outcome.type !== "succeeded" || !report.outcome.futures || !isCurrent(run.state, report)) return fact;
  const target = run.state.actions.get(report.ordinal)?.node.target;
  if (target?.kind !== "task") return fact;
  const result = await read(run, target.task, report.outcome.futures, tools);
  if ("failure" in result) {
    return { ...fact, ...asFailure(report, result.failure, fact.event.atMs) };
  }
  const { ordinal, attempt, outcome } = report;
  const { atMs } = fact.event;
  const startedAtMs = Math.min(outcome.startedAtMs, atMs);
  const event: EngineEvent = { type: "attemptExpanded", ordinal, attempt, startedAtMs, atMs };
  return { ...fact, event, expansion: result };
}

type Futures = { readonly uri: string; readonly sizeBytes: number };
type Read = ReadExpansion | { readonly failure: Failure };

async function read(
  run: CachedRun,
  task: ProgramTask,
  { uri, sizeBytes }: Futures,
  tools: ExpansionTools,
): Promise<Read> {
  if (sizeBytes > SPEC_BYTES_MAX)
    return compileFailed(`The task wrote a workflow of ${sizeBytes} bytes; at most ${SPEC_BYTES_MAX} are read.`);
  let spec: DynamicJobSpec;
  try {
    spec = fromBytes(DynamicJobSpecSchema, await tools.storage.get(uri));
  } catch (error) {
    if (isOutage(error)) throw error;
    const why = isMissing(error) ? "there is no such object" : `it is no DynamicJobSpec: ${(error as Error).message}`;
    const message = `The workflow that the task wrote to ${uri} cannot be read: ${why}.`;
    return { failure: { code: OUTPUTS_NOT_FOUND, message, kind: "system", recoverable: true } };
  }
  const found = await findReferences(run, requiredByDynamic(spec), tools.db);
  if (found.missing.length > 0) return compileFailed(`These are not registered: ${found.missing.join(", ")}.`);
  return compile(spec, task, found, uri);
}

function compile(spec: DynamicJobSpec, { template }: ProgramTask, found: References, specUri: string): Read {
  let closure: CompiledWorkflowClosure;
  let program: Program;
  try {
    const task = create(TaskTemplateSchema, template);
    const result = compileDynamic({ spec, task, tasks: found.tasks, launchPlans: found.launchPlans });
    if ("errors" in result) return compileFailed(describeCompileErrors(result.errors));
    closure = result.closure;
    program = readProgram(closure);
  } catch (error) {
    return compileFailed(`The workflow that the task wrote cannot be compiled: ${(error as Error).message}`);
  }
  return { program, compiled: toBinary(CompiledWorkflowClosureSchema, closure), specUri };
}

const compileFailed = (message: string): Read => ({
  failure: { code: COMPILE_FAILED, message: message.slice(0, MESSAGE_LENGTH_MAX), kind: "user", recoverable: false },
});

interface References {
  readonly tasks: CompiledTask[];
  readonly launchPlans: LaunchPlanInterface[];
  readonly missing: string[];
}

/**
 * What a workflow refers to by name. User code wrote it, and nobody asked whether its author may see what other
 * tenants have: so it finds what is in the run's own project and domain.
 */
async function findReferences(run: CachedRun, required: RequiredIds, db: Db): Promise<References> {
  const found: References = { tasks: [], launchPlans: [], missing: [] };
  const isOwn = ({ project, domain }: Identifier) => project === run.project && domain === run.domain;
  for (const id of required.tasks) {
    const row = isOwn(id) ? await findTask(db, id) : undefined;
    const task = row && fromBytes(TaskClosureSchema, row.closure).compiledTask;
    if (task) found.tasks.push(task);
    else found.missing.push(`task ${entityKey(id)}`);
  }
  for (const id of required.launchPlans) {
    const row = isOwn(id) ? await findLaunchPlan(db, id) : undefined;
    if (!row) {
      found.missing.push(`launch plan ${entityKey(id)}`);
      continue;
    }
    const { expectedInputs, expectedOutputs } = fromBytes(LaunchPlanClosureSchema, row.closure);
    found.launchPlans.push({ id, expectedInputs, expectedOutputs });
  }
  return found;
}
