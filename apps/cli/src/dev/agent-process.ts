import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { endProcess } from "./end-process.ts";
import type { Home } from "./home.ts";
import { isRunning, markOf, readMark, removeMark, writeMark } from "./process-mark.ts";

/** The process agent of `skein dev`, a child that is started again whenever it ends on its own. */
export interface AgentProcess {
  readonly logFile: string;
  /** Ends the agent with SIGTERM, and with SIGKILL after a grace; resolves when it is gone. */
  close(): Promise<void>;
}

const STOP_GRACE_MS = 10_000;
const RESTART_DELAY_MS_MAX = 30_000;
const MAIN = fileURLToPath(import.meta.resolve("@skein/agent/main"));

/**
 * Starts the agent with nothing of ours but `environment`. One that a kill -9 left behind is ended first: what it ran
 * goes on, and the new agent adopts it from the ledger in the agent's home.
 */
export async function startAgentProcess(home: Home, environment: Record<string, string>): Promise<AgentProcess> {
  const markFile = home.file("agent.pid");
  const leftOver = readMark(markFile);
  if (leftOver) await endProcess(leftOver, [], STOP_GRACE_MS);
  const logFile = `${home.folder("logs")}/agent.log`;
  let child: ChildProcess;
  let timer: NodeJS.Timeout | undefined;
  let isClosing = false;
  let failures = 0;

  const launch = (): void => {
    const log = openSync(logFile, "a", 0o600);
    // A group of its own: Ctrl-C reaches us first, and we stop the agent when it is its turn.
    child = spawn(process.execPath, [...process.execArgv, MAIN], {
      env: environment,
      stdio: ["ignore", log, log],
      detached: true,
    });
    closeSync(log);
    if (child.pid !== undefined) writeMark(markFile, child.pid);
    child.once("exit", (code, signal) => {
      if (isClosing) return;
      const delayMs = Math.min(1000 * 2 ** failures, RESTART_DELAY_MS_MAX);
      failures += 1;
      console.error(
        `The agent ended (${signal ?? `exit code ${code}`}); starting it again in ${delayMs / 1000} s. Its log: ${logFile}`,
      );
      timer = setTimeout(launch, delayMs);
    });
  };
  launch();
  return {
    logFile,
    close: async () => {
      isClosing = true;
      clearTimeout(timer);
      const mark = child.pid === undefined ? undefined : markOf(child.pid);
      if (mark && isRunning(mark)) {
        await Promise.all([once(child, "exit"), endProcess(mark, ["SIGTERM"], STOP_GRACE_MS)]);
      }
      removeMark(markFile);
    },
  };
}
