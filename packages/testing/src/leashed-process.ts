import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";

/**
 * A shell that starts "$@", says its pid, and kills it when our end of the stdin pipe closes. The kernel closes it
 * even when the test process is killed, so nothing outlives a test run. `<&3` because sh gives background commands an
 * empty stdin.
 */
const LEASH = `exec 3<&0
"$@" </dev/null 3<&- >&2 &
child=$!
echo $child
{ cat <&3 >/dev/null; kill -KILL $child; } >/dev/null 2>&1 &
watch=$!
wait $child
code=$?
kill $watch
exit $code`;

export interface LeashedProcess {
  readonly pid: number;
  /** Where its stdout and stderr go. */
  readonly logFile: string;
  readLog(): string;
  readonly hasExited: () => boolean;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>;
  /** Sends `signal` (SIGTERM unless told) and waits for the end, at most `graceMs`, then kills. */
  close(signal?: NodeJS.Signals, graceMs?: number): Promise<void>;
}

/** Starts a program that dies with this process, whatever ends it. */
export async function startLeashed(
  command: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string; readonly logFile: string },
): Promise<LeashedProcess> {
  const log = openSync(options.logFile, "a");
  const shell = spawn("sh", ["-c", LEASH, "leash", command, ...args], {
    stdio: ["pipe", "pipe", log],
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    // A group of its own: Ctrl-C in the terminal reaches the tests first, which then stop things in order.
    detached: true,
  });
  closeSync(log);
  const pid = await firstLineAsNumber(shell);
  let gone = false;
  const exited = once(shell, "exit").then(() => {
    gone = true;
  });
  // A leash alone does not keep this process running.
  for (const handle of [shell, shell.stdin, shell.stdout]) (handle as { unref?(): void } | null)?.unref?.();
  const kill = (signal: NodeJS.Signals) => {
    if (!gone) process.kill(pid, signal);
  };
  return {
    pid,
    logFile: options.logFile,
    readLog: () => readFileSync(options.logFile, "utf8"),
    hasExited: () => gone,
    kill,
    exited,
    close: async (signal = "SIGTERM", graceMs = 10_000) => {
      shell.ref();
      kill(signal);
      const timer = setTimeout(() => kill("SIGKILL"), graceMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

async function firstLineAsNumber(shell: ChildProcess): Promise<number> {
  if (shell.stdout === null) throw new Error("the leash has no stdout");
  const [chunk] = (await once(shell.stdout, "data")) as [Buffer];
  return Number(chunk.toString());
}
