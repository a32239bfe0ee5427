import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";

/** Names a process for good: pids are given again, a pid with its start time is not. */
export interface ProcessMark {
  readonly pid: number;
  readonly startedAt: string;
}

/** The mark of a running process; undefined when there is none (a zombie counts as gone). */
export function markOf(pid: number): ProcessMark | undefined {
  const startedAt = process.platform === "linux" ? startTimeOnLinux(pid) : startTimeByPs(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

/** Whether the very process that was marked still runs. */
export const isRunning = (mark: ProcessMark): boolean => markOf(mark.pid)?.startedAt === mark.startedAt;

/** Writes the mark of `pid` for the next start to find. */
export function writeMark(file: string, pid: number, options: { readonly exclusive?: boolean } = {}): void {
  const flag = options.exclusive ? "wx" : "w";
  writeFileSync(file, `${JSON.stringify(markOf(pid) ?? { pid, startedAt: "" })}\n`, { mode: 0o600, flag });
}

/** The marked process if it still runs. A file that cannot be read marks nothing. */
export function readMark(file: string): ProcessMark | undefined {
  try {
    const mark = JSON.parse(readFileSync(file, "utf8")) as ProcessMark;
    return isRunning(mark) ? mark : undefined;
  } catch {
    return undefined;
  }
}

export const removeMark = (file: string): void => rmSync(file, { force: true });

function startTimeOnLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold anything, so fields are counted behind its end: state is the 1st, start time the 20th.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function startTimeByPs(pid: number): string | undefined {
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim() || undefined;
  } catch {
    return undefined;
  }
}
