import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import {
  type AdminClient,
  type CommandTaskOptions,
  commandTask,
  integerInterface,
  register,
  taskNode,
  workflowOf,
} from "@skein/testing";

/** What a marking task does beside marking. */
export interface MarkingOptions extends CommandTaskOptions {
  /** A command that decides how it ends. */
  readonly last?: string;
}

/** A task that appends its attempt's unique name to a file outside the control plane when it starts, then takes its time. */
export function markingTask(name: string, file: string, seconds: number, options: MarkingOptions = {}) {
  const { last = "true", ...rest } = options;
  const mark = `echo "{{.perRetryUniqueKey}}" >> ${file}`;
  return commandTask(name, ["sh", "-c", `${mark} && sleep ${seconds} && ${last}`], rest);
}

/** Starts per attempt, from the file that marking tasks write. */
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

/** Registers steps one after the other, each a task of its own, which mark their starts in one (now empty) file. */
export async function registerMarkingChain(
  admin: AdminClient,
  name: string,
  file: string,
  shape: { readonly steps: number; readonly seconds: number },
): Promise<void> {
  writeFileSync(file, "");
  const tasks = Array.from({ length: shape.steps }, (_, step) =>
    markingTask(`${name}.step${step}`, file, shape.seconds),
  );
  const nodes = tasks.map((task, step) => taskNode(`n${step}`, task, [], step === 0 ? [] : [`n${step - 1}`]));
  await register(admin, tasks, [workflowOf(name, nodes, integerInterface([], []))]);
}
