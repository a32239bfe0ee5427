export { type ChildPlace, childSpec, NESTING_MAX, nestingOf } from "./child-spec.ts";
export { type LaunchPlanVersion, type LaunchTarget, launchPlanTarget } from "./launch-target.ts";
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
