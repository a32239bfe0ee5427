import { clone, create } from "@bufbuild/protobuf";
import {
  type Annotations,
  type Envs,
  ExecutionMetadataSchema,
  type ExecutionSpec,
  ExecutionSpecSchema,
  type Labels,
  LabelsSchema,
  type LaunchPlanSpec,
  type WorkflowExecutionConfig,
} from "@skein/idl/admin";
import type { Identifier, SecurityContext } from "@skein/idl/core";
import { mergedNotifications } from "./notifications.ts";
import { NO_POLICIES, type Policies, type PolicyScope } from "./policies/policies.ts";

export interface SpecSource {
  readonly requested: ExecutionSpec;
  /** Undefined for a single task. */
  readonly launchPlan: LaunchPlanSpec | undefined;
  readonly launched: Identifier;
  readonly principal: string;
  /** What administrators set for the run's project. */
  readonly policies?: Policies;
  readonly scope?: PolicyScope;
  /** How many tasks of the run may be under way at once, when nothing else says; 0 for any number. */
  readonly maxParallelism?: number;
}

/** What launch plans and policies say in the same words. */
type Defaults = Pick<
  WorkflowExecutionConfig,
  Exclude<keyof LaunchPlanSpec & keyof WorkflowExecutionConfig, `$${string}`>
>;

const NO_SCOPE: PolicyScope = { domain: "", workflow: "", launchPlan: "" };

/**
 * What a run is started with (contract 6.1): the request wins over the launch plan, and that over the policies from the
 * narrowest to the widest, field by field; labels, annotations and variables replace as a whole. The project's own labels
 * are added where no other has their name. Inputs are kept elsewhere.
 */
export function mergeSpec(source: SpecSource): ExecutionSpec {
  const { requested, launchPlan, launched, principal, maxParallelism = 0 } = source;
  const { policies = NO_POLICIES, scope = NO_SCOPE } = source;
  const spec = clone(ExecutionSpecSchema, requested);
  spec.launchPlan = launched;
  delete spec.inputs;
  spec.metadata ??= create(ExecutionMetadataSchema);
  spec.metadata.principal = principal;
  if (launchPlan) addPlan(spec, launchPlan);
  for (const config of policies.all("workflowExecutionConfig", scope)) addDefaults(spec, config);
  spec.qualityOfService ??= policies.narrowest("qualityOfService", scope);
  if (spec.maxParallelism === 0) spec.maxParallelism = maxParallelism;
  if (Object.keys(policies.labels).length > 0) {
    spec.labels = create(LabelsSchema, { values: { ...policies.labels, ...spec.labels?.values } });
  }
  return spec;
}

/** What only a launch plan can say comes with what policies say, too. */
function addPlan(spec: ExecutionSpec, launchPlan: LaunchPlanSpec): void {
  addDefaults(spec, launchPlan);
  spec.authRole ??= launchPlan.authRole;
  spec.qualityOfService ??= launchPlan.qualityOfService;
  spec.clusterAssignment ??= launchPlan.clusterAssignment;
  spec.notificationOverrides = mergedNotifications(spec.notificationOverrides, launchPlan);
}

function addDefaults(spec: ExecutionSpec, defaults: Defaults): void {
  spec.maxParallelism ||= defaults.maxParallelism;
  spec.labels = firstWith(labelCount, spec.labels, defaults.labels);
  spec.annotations = firstWith(labelCount, spec.annotations, defaults.annotations);
  spec.envs = firstWith(variableCount, spec.envs, defaults.envs);
  spec.interruptible ??= defaults.interruptible;
  spec.overwriteCache ||= defaults.overwriteCache;
  spec.securityContext = firstWith(rightCount, spec.securityContext, defaults.securityContext);
  if (!spec.rawOutputDataConfig?.outputLocationPrefix) spec.rawOutputDataConfig = defaults.rawOutputDataConfig;
  if (spec.executionEnvAssignments.length === 0) spec.executionEnvAssignments = defaults.executionEnvAssignments;
}

const labelCount = (labels: Labels | Annotations): number => Object.keys(labels.values).length;
const variableCount = (envs: Envs): number => envs.values.length;
/** Flyte's console sends a context that says nothing. */
const rightCount = ({ runAs, secrets, tokens }: SecurityContext): number =>
  secrets.length +
  tokens.length +
  [runAs?.k8sServiceAccount, runAs?.iamRole, runAs?.executionIdentity, runAs?.oauth2Client].filter(Boolean).length;

const firstWith = <T>(count: (value: T) => number, said: T | undefined, others: T | undefined): T | undefined =>
  said && count(said) > 0 ? said : (others ?? said);
