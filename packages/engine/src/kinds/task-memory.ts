import type { Failure } from "../event.ts";
import { grownMemory, growthsOf, MEMORY_GROWTH_NAME } from "../memory-growth.ts";
import type { EngineLimits } from "../run-limits.ts";
import type { ActionRecord } from "../state.ts";

/** The code of an attempt that was killed because it used more memory than it may; every runtime says it like this. */
const OUT_OF_MEMORY = "OOMKilled";

/**
 * The failure of an attempt after which its action is given more memory, with a word about that; undefined where nobody
 * allows it or where the action has all that is allowed. Such an attempt spends no retry.
 */
export function growAfter(limits: EngineLimits, action: ActionRecord, failure: Failure): Failure | undefined {
  const { target } = action.node;
  if (failure.code !== OUT_OF_MEMORY || target.kind !== "task" || !target.memory) return undefined;
  const { limitMiB, growth: ofTask } = target.memory;
  const growth = limits.memoryGrowth ?? ofTask;
  if (!growth) return undefined;
  const times = growthsOf(action);
  const now = grownMemory(limitMiB, growth, times);
  const next = grownMemory(limitMiB, growth, times + 1);
  if (next <= now) return undefined;
  const message = `${failure.message}\nIt had ${now} MiB. The next attempt gets ${next} MiB (${MEMORY_GROWTH_NAME}).`;
  return { ...failure, message };
}
