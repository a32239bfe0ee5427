import { setTimeout as delay } from "node:timers/promises";
import { isRunning, type ProcessMark } from "./process-mark.ts";

const POLL_MS = 20;

/** Ends a process with ever stronger signals, each given `graceMs` to work. Resolves when it is gone. */
export async function endProcess(
  mark: ProcessMark,
  signals: readonly NodeJS.Signals[],
  graceMs: number,
): Promise<void> {
  for (const signal of [...signals, "SIGKILL" as const]) {
    if (!trySignal(mark, signal)) return;
    const deadline = Date.now() + graceMs;
    while (Date.now() < deadline) {
      if (!isRunning(mark)) return;
      await delay(POLL_MS);
    }
  }
}

function trySignal(mark: ProcessMark, signal: NodeJS.Signals): boolean {
  if (!isRunning(mark)) return false;
  try {
    process.kill(mark.pid, signal);
    return true;
  } catch {
    return false;
  }
}
