import { constants } from "node:os";
import type { Exit } from "./runtime.ts";

const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number as number, name]));
/** Real-time signals and plain large exit codes lie above. */
const LAST_PLAIN_SIGNAL = 31;

/** Shells and Docker say 128 + n for a program that signal n killed. */
export function exitOfCode(code: number, isOutOfMemory = false): Exit {
  const signal = code > 128 && code <= 128 + LAST_PLAIN_SIGNAL ? SIGNAL_NAMES.get(code - 128) : undefined;
  return signal === undefined ? { type: "exited", code } : { type: "killed", signal, isOutOfMemory };
}
