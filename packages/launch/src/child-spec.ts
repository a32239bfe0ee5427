import { create } from "@bufbuild/protobuf";
import { type ExecutionSpec, ExecutionSpecSchema } from "@skein/idl/admin";
import type { Identifier, WorkflowExecutionIdentifier } from "@skein/idl/core";

/** Which action of which run starts a child. */
export interface ChildPlace {
  readonly run: Pick<WorkflowExecutionIdentifier, "project" | "domain" | "name">;
  /** The action's name. */
  readonly action: string;
}

/** How deep runs that start each other may be nested, so that one that starts itself comes to an end. */
export const NESTING_MAX = 50;

/** How many runs stand above a run. */
export const nestingOf = (spec: ExecutionSpec): number => spec.metadata?.nesting ?? 0;

/**
 * What a child run is asked to start with: the launch plan, and what Flyte hands down from the run around it. As a
 * request it wins over the launch plan, field by field. Tags and notifications are the parent's own.
 */
export function childSpec(parent: ExecutionSpec, launchPlan: Identifier, { run, action }: ChildPlace): ExecutionSpec {
  const { project, domain, name } = run;
  const spec = create(ExecutionSpecSchema, {
    launchPlan,
    metadata: {
      nesting: nestingOf(parent) + 1,
      parentNodeExecution: { nodeId: action, executionId: { project, domain, name } },
    },
    maxParallelism: parent.maxParallelism,
    overwriteCache: parent.overwriteCache,
  });
  spec.labels = parent.labels;
  spec.annotations = parent.annotations;
  spec.envs = parent.envs;
  spec.interruptible = parent.interruptible;
  spec.securityContext = parent.securityContext;
  spec.authRole = parent.authRole;
  spec.rawOutputDataConfig = parent.rawOutputDataConfig;
  spec.clusterAssignment = parent.clusterAssignment;
  spec.executionClusterLabel = parent.executionClusterLabel;
  return spec;
}
