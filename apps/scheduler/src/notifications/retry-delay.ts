const FIRST_MS = 5_000;
const LONGEST_MS = 3_600_000;

/** Tries in all: the last one comes four and a half hours after the first. */
export const TRIES_MAX = 14;

/** How long to wait after this many tries: twice as long each time, give or take a quarter, so that many do not come at once. */
export function retryDelayMs(tries: number, random: number = Math.random(), firstMs: number = FIRST_MS): number {
  const delay = Math.min(firstMs * 2 ** (tries - 1), LONGEST_MS);
  return Math.round(delay * (0.75 + random / 2));
}
