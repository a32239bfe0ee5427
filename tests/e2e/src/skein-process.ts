import { fileURLToPath } from "node:url";
import { type LeashedProcess, startLeashed } from "@skein/testing";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const LOG_TAIL_LINES = 30;

export type AppName = "api" | "scheduler" | "agent";

/** One process of the product, as an operator would run it. */
export interface SkeinProcess {
  readonly name: string;
  /** Of the process that runs now. */
  pid(): number;
  isRunning(): boolean;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when the process is gone. */
  exited(): Promise<void>;
  /** Starts it again with the same settings, after it ended. */
  start(): Promise<void>;
  /** Asks it to stop, waits, kills it after ten seconds. */
  close(): Promise<void>;
  readLog(): string;
  /** Throws with the end of its log when it is not running. */
  assertRunning(): void;
}

/** Starts `apps/<app>/src/main.ts` with exactly this environment. */
export async function startSkeinProcess(
  app: AppName,
  name: string,
  env: NodeJS.ProcessEnv,
  logFile: string,
): Promise<SkeinProcess> {
  const launch = (): Promise<LeashedProcess> =>
    startLeashed(process.execPath, [`apps/${app}/src/main.ts`], { cwd: ROOT, env, logFile });
  let running = await launch();
  const readLog = () => running.readLog();
  return {
    name,
    pid: () => running.pid,
    isRunning: () => !running.hasExited(),
    kill: (signal) => running.kill(signal),
    exited: () => running.exited,
    start: async () => {
      if (!running.hasExited()) throw new Error(`${name} is still running`);
      running = await launch();
    },
    close: () => running.close(),
    readLog,
    assertRunning: () => {
      if (!running.hasExited()) return;
      throw new Error(`${name} ended:\n${readLog().split("\n").slice(-LOG_TAIL_LINES).join("\n")}`);
    },
  };
}
