import { readdirSync, readFileSync } from "node:fs";
import { commandTask } from "@skein/testing";

/** A task that appends `run step attempt` to a file outside the control plane when it starts, then takes its time. */
export const markingTask = (name: string, file: string, seconds: number, options: { version?: string } = {}) =>
  commandTask(
    name,
    ["sh", "-c", `echo "$FLYTE_INTERNAL_EXECUTION_ID ${name} $FLYTE_ATTEMPT_NUMBER" >> ${file} && sleep ${seconds}`],
    options,
  );

/** Starts per `run step attempt`, from the file that marking tasks write. */
export function startsIn(file: string): Map<string, number> {
  const starts = new Map<string, number>();
  for (const line of readFileSync(file, "utf8").split("\n").filter(Boolean))
    starts.set(line, (starts.get(line) ?? 0) + 1);
  return starts;
}

/** Processes of this machine whose command line holds `text`. */
export function processesWith(text: string): string[] {
  return readdirSync("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return [];
    try {
      const words = readFileSync(`/proc/${entry}/cmdline`, "utf8").replaceAll("\0", " ");
      return words.includes(text) ? [`${entry}: ${words}`] : [];
    } catch {
      return [];
    }
  });
}
