import { create } from "@bufbuild/protobuf";
import { type Db, EVENTS_CHANNEL, findRun, type LaunchLimit, type NameId, type Notifier } from "@skein/db";
import { SkeinError } from "@skein/errors";
import type { ExecutionSpec } from "@skein/idl/admin";
import { type LiteralMap, LiteralMapSchema } from "@skein/idl/core";
import { type LaunchOrigin, type PolicyBook, policyScopeOf, type RunStarter, readRunName } from "@skein/launch";
import type { Call } from "../call.ts";
import type { ProjectService } from "../projects/project-service.ts";
import { checkText, invalid, storableText } from "../registry/identity.ts";
import { checkPriority } from "./giving-out.ts";
import type { launchTargets } from "./launch-target.ts";
import { checkLimits } from "./limit-annotations.ts";
import { checkNotifications } from "./notifications.ts";
import type { CheckRawOutput } from "./raw-output-rule.ts";

/** A wish to start a run. */
export interface LaunchRequest {
  readonly project: string;
  readonly domain: string;
  /** Empty: the server makes a name. */
  readonly name: string;
  readonly spec: ExecutionSpec;
  readonly inputs: LiteralMap | undefined;
  /** In place of what the spec or the launch plan says. */
  readonly priority?: number | undefined;
}

export interface LaunchDependencies {
  readonly db: Db;
  readonly notifier: Notifier;
  readonly projects: ProjectService;
  readonly checkRawOutput: CheckRawOutput;
  readonly policies: PolicyBook;
  readonly findTarget: ReturnType<typeof launchTargets>;
  readonly startRun: RunStarter;
}

const TAGS_MAX = 100;
const MANUAL: LaunchOrigin = { mode: "manual", referenceRunId: null };

/** Starts runs for callers: decides whether they may, and tells them why not (contract 6.1). */
export function launcher(dependencies: LaunchDependencies) {
  const { db, notifier, projects, checkRawOutput, policies, findTarget, startRun } = dependencies;

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
    const requested = readSpec(request.spec, origin);
    const target = await findTarget(call, requested.launchPlan);
    checkRawOutput("spec.raw_output_data_config", id, requested.rawOutputDataConfig);
    // What a launch plan says was right when it was registered; what is allowed may have changed since.
    checkRawOutput("launch plan's raw_output_data_config", id, target.launchPlan?.rawOutputDataConfig);
    const scope = policyScopeOf(id.domain, target);
    for (const config of (await policies.of(id.project)).all("workflowExecutionConfig", scope)) {
      checkRawOutput("the project's raw_output_data_config", id, config.rawOutputDataConfig);
    }
    const given = request.inputs ?? request.spec.inputs ?? create(LiteralMapSchema);
    const principal = storableText(call.caller.subject);
    const { priority } = request;
    const outcome = await startRun({ id, target, requested, given, principal, origin, priority });
    switch (outcome.type) {
      case "started":
        notifier.notify(EVENTS_CHANNEL);
        return id;
      case "inputsInvalid":
        throw new SkeinError("invalid_argument", "inputs_invalid", `Inputs are invalid: ${outcome.problems}.`);
      case "poolRefused":
        throw new SkeinError("invalid_argument", "pool_refused", `${outcome.problem}.`);
      case "full":
        throw limitReached(outcome.limit);
      case "notInserted":
        throw await refusal(call, id);
      default:
        return outcome satisfies never;
    }
  };
}

/** The spec without what only the server may say: which run started this one, and which one it repeats. */
function readSpec(sent: ExecutionSpec, { referenceRunId }: LaunchOrigin): ExecutionSpec {
  const { notificationOverrides: overrides, tags } = sent;
  if (overrides.case === "notifications") checkNotifications("spec.notifications", overrides.value.notifications);
  checkLimits("spec.annotations", sent.annotations);
  checkPriority("spec", sent);
  if (tags.length > TAGS_MAX) throw invalid("spec.tags", `has ${tags.length} entries: at most ${TAGS_MAX} are allowed`);
  for (const [index, tag] of tags.entries()) checkText(`spec.tags[${index}]`, tag);
  if (!sent.metadata) return sent;
  const metadata = { ...sent.metadata, nesting: 0 };
  delete metadata.parentNodeExecution;
  if (referenceRunId === null) delete metadata.referenceExecution;
  return { ...sent, metadata };
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
