import { setTimeout as sleep } from "node:timers/promises";

const LONGEST_PAUSE_MS = 50;

/** How long to wait, and what for: the words end the sentence "waited N ms for …". */
export interface WaitOptions {
  readonly timeoutMs?: number;
  readonly what?: string;
}

/**
 * Asks `condition` again and again until its answer is truthy, and answers that. An error it throws counts as "not
 * yet"; the last one is the cause when the time (10 s unless told) is over.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 10_000, what = "the condition" }: WaitOptions = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    let cause: unknown;
    try {
      const answer = await condition();
      if (answer) return answer;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`, { cause });
    await sleep(pauseMs);
  }
}
