export { advance } from "./advance.ts";
export {
  ACTION_KINDS,
  type ActionKind,
  type ActionState,
  type AttemptState,
  type Changes,
  type NewAction,
  type RunChange,
  type ValueWrite,
} from "./changes.ts";
export type { Command } from "./command.ts";
export type { EngineEvent, ErrorKind, Failure, TimerKind, ValueRef } from "./event.ts";
export { END_NODE_ID, entityKey, readProgram, START_NODE_ID } from "./graph.ts";
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
export type { FailurePolicy, Graph, GraphNode, NodeTarget, Program, ProgramTask, TaskOrderKind } from "./program.ts";
export { ChangeRecorder } from "./recorder.ts";
export { restoreRun, type StoredRun } from "./restore.ts";
export { DEFAULT_POLICY, type EnginePolicy } from "./retry.ts";
export { newRun, type RunState } from "./state.ts";
export type { ValueSource } from "./step.ts";
