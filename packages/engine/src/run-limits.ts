import type { MemoryGrowth } from "./memory-growth.ts";

/** What the launch of a run says for all of it. It never changes. */
export interface EngineLimits {
  /** How many tasks, maps and child runs may be under way at once; 0 for any number. */
  readonly maxParallelism: number;
  /** How long an attempt may wait to begin; 0 for ever. */
  readonly queueTimeoutMs: number;
  /** For every task of the run, whatever the task says; null leaves it to the task. */
  readonly memoryGrowth: MemoryGrowth | null;
}

/** A run that nobody limits. */
export const NO_LIMITS: EngineLimits = { maxParallelism: 0, queueTimeoutMs: 0, memoryGrowth: null };
