import { parseQuantity } from "./compile/quantity.ts";

/** The name under which a run or a task says how its memory may grow: an annotation, or an entry of the task's config. */
export const MEMORY_GROWTH_NAME = "skein.dev/memory-on-oom";

/** How much more memory an attempt is given after one that ran out of it. */
export interface MemoryGrowth {
  readonly factor: number;
  readonly maxMiB: number;
}

const NEVER: MemoryGrowth = { factor: 1, maxMiB: 0 };
const WORDS = /^x(\d{1,2}(?:\.\d{1,3})?) +max +(\S+)$/;
/** Less would try a task dozens of times. */
const FACTOR_MIN = 1.1;
const FACTOR_MAX = 10;
const BILLIONTHS_OF_MIB = 1_000_000_000n << 20n;

/** How to write a growth; for messages. */
export const MEMORY_GROWTH_SYNTAX = `"x<factor> max <quantity>", with a factor from ${FACTOR_MIN} to ${FACTOR_MAX}, such as "x2 max 16Gi", or "off"`;

/** Reads `x2 max 16Gi` or `off`; undefined for anything else. */
export function parseMemoryGrowth(text: string): MemoryGrowth | undefined {
  if (text.trim() === "off") return NEVER;
  const [, times, most] = WORDS.exec(text.trim()) ?? [];
  const max = most === undefined ? undefined : parseQuantity(most);
  const factor = Number(times);
  if (max === undefined || max < BILLIONTHS_OF_MIB || factor < FACTOR_MIN || factor > FACTOR_MAX) return undefined;
  return { factor, maxMiB: Number(max / BILLIONTHS_OF_MIB) };
}

/** An amount of memory after it has grown so many times. It never shrinks: what is above the maximum stays. */
export function grownMemory(baseMiB: number, { factor, maxMiB }: MemoryGrowth, times: number): number {
  return Math.max(baseMiB, Math.min(maxMiB, Math.ceil(baseMiB * factor ** times)));
}

/** Counts of an action, as its row holds them. */
export interface FailureCounts {
  readonly attempts: number;
  readonly userFailures: number;
  readonly systemFailures: number;
}

/**
 * How often the memory of an action has grown, while an attempt of it is under way: an attempt after which it grew counts
 * neither as a user's failure nor as the system's.
 */
export const growthsOf = ({ attempts, userFailures, systemFailures }: FailureCounts): number =>
  Math.max(0, attempts - 1 - userFailures - systemFailures);
