/** How a run's work is given out, and who hears of its end. */
export interface RunLimits {
  /** Orders of a run with a higher one go first. */
  readonly priority: number;
  /** Whose agents do its work; empty for the default pool. */
  readonly pool: string;
  /** How many of its tasks may be under way at once; 0 for any number. */
  readonly maxParallelism: number;
  /** How long an attempt may wait for an agent; 0 for ever. */
  readonly queueTimeoutMs: number;
  /** How its tasks are given more memory after running out of it, in the words of its annotation; empty leaves it to each. */
  readonly memoryGrowth: string;
  /** Somebody wants to hear of its end. */
  readonly hasNotifications: boolean;
}

/** What rows must know of a run's spec and inputs, which are bytes to them. */
export interface RunSettings extends RunLimits {
  /** Inputs that the run can be found by: simple values by their names. */
  readonly foundInputs: Readonly<Record<string, string | number | boolean>> | null;
}

/** Of a run whose spec asks for nothing. */
export const PLAIN_SETTINGS: RunSettings = {
  priority: 0,
  pool: "",
  maxParallelism: 0,
  queueTimeoutMs: 0,
  memoryGrowth: "",
  hasNotifications: false,
  foundInputs: null,
};
