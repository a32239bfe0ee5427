import { clone, create } from "@bufbuild/protobuf";
import {
  type Annotations,
  type Envs,
  ExecutionMetadataSchema,
  type ExecutionSpec,
  ExecutionSpecSchema,
  type Labels,
  type LaunchPlanSpec,
} from "@skein/idl/admin";
import type { Identifier } from "@skein/idl/core";
import { mergedNotifications } from "./notifications.ts";

export interface SpecSource {
  readonly requested: ExecutionSpec;
  /** Undefined for a single task. */
  readonly launchPlan: LaunchPlanSpec | undefined;
  readonly launched: Identifier;
  readonly principal: string;
  /** How many tasks of the run may be under way at once, when neither request nor launch plan says; 0 for any number. */
  readonly maxParallelism?: number;
}

/**
 * What a run is started with (contract 6.1): the request wins over the launch plan, field by field; labels, annotations
 * and variables replace as a whole. Inputs are kept elsewhere.
 */
export function mergeSpec({
  requested,
  launchPlan,
  launched,
  principal,
  maxParallelism = 0,
}: SpecSource): ExecutionSpec {
  const spec = clone(ExecutionSpecSchema, requested);
  spec.launchPlan = launched;
  delete spec.inputs;
  spec.metadata ??= create(ExecutionMetadataSchema);
  spec.metadata.principal = principal;
  if (spec.maxParallelism === 0) spec.maxParallelism = launchPlan?.maxParallelism || maxParallelism;
  if (!launchPlan) return spec;

  spec.labels = firstWith(labelCount, spec.labels, launchPlan.labels);
  spec.annotations = firstWith(labelCount, spec.annotations, launchPlan.annotations);
  spec.envs = firstWith(variableCount, spec.envs, launchPlan.envs);
  spec.interruptible ??= launchPlan.interruptible;
  spec.overwriteCache ||= launchPlan.overwriteCache;
  spec.securityContext ??= launchPlan.securityContext;
  spec.authRole ??= launchPlan.authRole;
  spec.qualityOfService ??= launchPlan.qualityOfService;
  spec.clusterAssignment ??= launchPlan.clusterAssignment;
  if (!spec.rawOutputDataConfig?.outputLocationPrefix) spec.rawOutputDataConfig = launchPlan.rawOutputDataConfig;
  if (spec.executionEnvAssignments.length === 0) spec.executionEnvAssignments = launchPlan.executionEnvAssignments;
  spec.notificationOverrides = mergedNotifications(spec.notificationOverrides, launchPlan);
  return spec;
}

const labelCount = (labels: Labels | Annotations): number => Object.keys(labels.values).length;
const variableCount = (envs: Envs): number => envs.values.length;

const firstWith = <T>(count: (value: T) => number, requested: T | undefined, planned: T | undefined): T | undefined =>
  requested && count(requested) > 0 ? requested : (planned ?? requested);
