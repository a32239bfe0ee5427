import { setTimeout as pause } from "node:timers/promises";
import { SkeinError } from "@skein/errors";

/** The work's outcome, or deadline_exceeded when it takes longer. 0 means as long as it takes. */
export async function within<T>(timeoutMs: number, what: string, work: Promise<T>): Promise<T> {
  if (timeoutMs === 0) return await work;
  const ended = new AbortController();
  const late = pause(timeoutMs, undefined, { signal: ended.signal }).then((): never => {
    throw new SkeinError("deadline_exceeded", "copilot_timeout", `${what} took longer than ${timeoutMs / 1000} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    late.catch(() => undefined);
    ended.abort();
  }
}
