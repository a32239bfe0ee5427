export { type ChildPlace, childSpec, NESTING_MAX, nestingOf } from "./child-spec.ts";
export { CONCURRENCY_MAX_NAME, CONCURRENCY_NAME, concurrencyProblems, openLimitBook } from "./concurrency.ts";
export { type LaunchPlanVersion, type LaunchTarget, launchPlanTarget, policyScopeOf } from "./launch-target.ts";
export { limitProblems, QUEUE_TIMEOUT_NAME } from "./limit-settings.ts";
export { type Policies, type PolicyKind, type PolicyOf, type PolicyScope, readPolicies } from "./policies/policies.ts";
export { EMPTY_BOOK, openPolicyBook, type PolicyBook } from "./policies/policy-book.ts";
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
export { PRIORITY_MAX, PRIORITY_NAME, type PrioritySource, priorityProblem } from "./priority.ts";
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
