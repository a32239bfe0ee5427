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
