export { advance } from "./advance.ts";
export {
  CACHE_SIGNATURE_LENGTH,
  type CacheAddress,
  cacheAddress,
  cacheDatasetName,
  cacheDatasetVersion,
  cacheKey,
  cacheTag,
  type TextDigest,
} from "./cache/cache-key.ts";
export {
  ACTION_KINDS,
  type ActionKind,
  type ActionState,
  type AttemptState,
  type Changes,
  type NewAction,
  type ReusedExpansion,
  type RunChange,
  type ValueCopy,
  type ValueWrite,
} from "./changes.ts";
export { type Command, ERRAND_KINDS, type ErrandKind } from "./command.ts";
export { castable } from "./compile/castable.ts";
export {
  type CheckedInputs,
  checkInputs,
  type InputProblem,
  type InputsToCheck,
} from "./compile/check-inputs.ts";
export { checkTask, type ResourceLimits } from "./compile/check-task.ts";
export { compileDynamic, type DynamicInput, requiredByDynamic } from "./compile/compile-dynamic.ts";
export {
  COMPILE_ERROR_CODES,
  type CompileError,
  type CompileErrorCode,
  describeCompileErrors,
} from "./compile/compile-error.ts";
export {
  type CompiledLaunchPlanInputs,
  compileLaunchPlan,
  type LaunchPlanSource,
} from "./compile/compile-launch-plan.ts";
export { type CompileInput, type CompileResult, compileWorkflow } from "./compile/compile-workflow.ts";
export { canonicalBytes, taskDigest, workflowDigest } from "./compile/digest.ts";
export { literalFits, literalTypeOf } from "./compile/literal-type.ts";
export { parseQuantity } from "./compile/quantity.ts";
export { type RequiredIds, requiredIds } from "./compile/required-ids.ts";
export type { LaunchPlanInterface } from "./compile/scope.ts";
export { type SingleTaskWorkflow, singleTaskWorkflow } from "./compile/single-task-workflow.ts";
export { structureDiff } from "./compile/structure-diff.ts";
export { typeName } from "./compile/type-name.ts";
export { entityKey } from "./entity-key.ts";
export {
  CACHE_STATUSES,
  type CacheStatus,
  type EngineEvent,
  type ErrorKind,
  type Failure,
  TIMER_KINDS,
  type TimerKind,
  type ValueRef,
} from "./event.ts";
export { readProgram } from "./graph.ts";
export { TOTAL_TIMEOUT } from "./kinds/task-timeouts.ts";
export { artifactUris } from "./literal/artifact-uris.ts";
export { OutputGatherer } from "./literal/gather.ts";
export { type SliceResult, type Slices, sliceInputs } from "./literal/slice.ts";
export { WireError } from "./literal/wire.ts";
export {
  type FailureCounts,
  grownMemory,
  growthsOf,
  MEMORY_GROWTH_NAME,
  MEMORY_GROWTH_SYNTAX,
  type MemoryGrowth,
  parseMemoryGrowth,
} from "./memory-growth.ts";
export { waitsForPlace } from "./parallelism.ts";
export {
  ACTION_PHASES,
  ACTION_TRANSITIONS,
  type ActionPhase,
  ATTEMPT_PHASES,
  ATTEMPT_TRANSITIONS,
  type AttemptPhase,
  isTerminalAction,
  isTerminalAttempt,
  isTerminalRun,
  RUN_PHASES,
  RUN_TRANSITIONS,
  type RunPhase,
} from "./phase.ts";
export type {
  ArraySpec,
  BranchCase,
  BranchElse,
  CacheSettings,
  FailurePolicy,
  Gate,
  Graph,
  GraphNode,
  NodeTarget,
  Program,
  ProgramTask,
  TaskOrderKind,
} from "./program.ts";
export { ChangeRecorder } from "./recorder.ts";
export type { Reference, ReferenceAction } from "./reference.ts";
export { restoreRun, type StoredArray, type StoredRun } from "./restore.ts";
export { DEFAULT_POLICY, type EnginePolicy } from "./retry.ts";
export type { EngineLimits } from "./run-limits.ts";
export { type ActionRecord, newRun, type RunState } from "./state.ts";
export type { ValueSource } from "./step.ts";
export { END_NODE_ID, START_NODE_ID } from "./system-nodes.ts";
export { type AskedResources, askedResources, grownResources } from "./targets/asked-resources.ts";
export { type TaskMemory, taskMemory } from "./targets/task-memory.ts";
export { childRunName } from "./unique-name.ts";
