export { type ChildPlace, childSpec, NESTING_MAX, nestingOf } from "./child-spec.ts";
export {
  concurrencyProblems,
  type LimitBook,
  openLimitBook,
} from "./concurrency.ts";
export { type LaunchPlanVersion, type LaunchTarget, launchPlanTarget, policyScopeOf } from "./launch-target.ts";
export { limitProblems } from "./limit-settings.ts";
export type { PolicyKind } from "./policies/policies.ts";
export { openPolicyBook, type PolicyBook } from "./policies/policy-book.ts";
export { isPoolName } from "./policies/pool-of-run.ts";
export {
  amountsOf,
  askedWithin,
  NO_TASK_RESOURCES,
  namedAmounts,
  readAmounts,
  type TaskResources,
  taskResourcesOf,
  withTaskResources,
} from "./policies/task-resources.ts";
export { PRIORITY_MAX, type PrioritySource, priorityProblem } from "./priority.ts";
export { otherRunName, readRunName } from "./run-name.ts";
export {
  type Launch,
  type LaunchDefaults,
  type LaunchOrigin,
  type LaunchOutcome,
  type RunStarter,
  runStarter,
} from "./start-run.ts";
export { readValue, storeValue, type ValueStore } from "./stored-values.ts";
