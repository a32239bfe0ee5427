/** Phases of a run. `failing` and `aborting` mean: nothing new is dispatched, children are being ended. */
export const RUN_PHASES = ["queued", "running", "succeeded", "failing", "failed", "aborting", "aborted"] as const;
export type RunPhase = (typeof RUN_PHASES)[number];

/** Phases of an action (Flyte 1: node execution). `queued` covers waiting for an agent and for a retry's back-off. */
export const ACTION_PHASES = [
  "queued",
  "running",
  "succeeded",
  "failing",
  "failed",
  "aborting",
  "aborted",
  "skipped",
] as const;
export type ActionPhase = (typeof ACTION_PHASES)[number];

/** Phases of an attempt (Flyte 1: task execution). `aborting`: an agent was told to stop it and has not confirmed yet. */
export const ATTEMPT_PHASES = ["queued", "running", "succeeded", "failed", "aborting", "aborted"] as const;
export type AttemptPhase = (typeof ATTEMPT_PHASES)[number];

/** Every allowed step. A phase without successors is terminal. Postgres repeats the lists as enums. */
export const RUN_TRANSITIONS: Record<RunPhase, readonly RunPhase[]> = {
  queued: ["running", "failing", "aborting"],
  running: ["succeeded", "failing", "aborting"],
  failing: ["failed", "aborting"],
  aborting: ["aborted"],
  succeeded: [],
  failed: [],
  aborted: [],
};

export const ACTION_TRANSITIONS: Record<ActionPhase, readonly ActionPhase[]> = {
  queued: ["running", "succeeded", "failing", "failed", "aborting", "aborted", "skipped"],
  running: ["queued", "succeeded", "failing", "failed", "aborting", "aborted"],
  failing: ["failed", "aborting", "aborted"],
  aborting: ["aborted"],
  succeeded: [],
  failed: [],
  aborted: [],
  skipped: [],
};

export const ATTEMPT_TRANSITIONS: Record<AttemptPhase, readonly AttemptPhase[]> = {
  queued: ["running", "succeeded", "failed", "aborted"],
  running: ["succeeded", "failed", "aborting", "aborted"],
  aborting: ["failed", "aborted"],
  succeeded: [],
  failed: [],
  aborted: [],
};

export const isTerminalRun = (phase: RunPhase): boolean => RUN_TRANSITIONS[phase].length === 0;
export const isTerminalAction = (phase: ActionPhase): boolean => ACTION_TRANSITIONS[phase].length === 0;
export const isTerminalAttempt = (phase: AttemptPhase): boolean => ATTEMPT_TRANSITIONS[phase].length === 0;
