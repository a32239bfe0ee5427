import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const SESSION = fileURLToPath(new URL("remote_session.py", import.meta.url));

interface Answer {
  readonly value?: unknown;
  /** The Python exception's class name, and its text. */
  readonly error?: { readonly type: string; readonly message: string };
}

/** What Python raised. `name` is the exception's class. */
export class PythonError extends Error {
  constructor(type: string, message: string) {
    super(message);
    this.name = type;
  }
}

/** One Python process that keeps flytekit imported and `remote`, a `FlyteRemote`, at hand: importing costs 2 s of CPU each time. */
export interface Remote {
  /** Runs statements; answers what they left in `result`, as JSON. Throws a `PythonError`. Calls are answered in order. */
  run(code: string): Promise<unknown>;
  close(): Promise<void>;
}

/** Starts the session and waits until flytekit is imported. */
export async function openRemote(python: string, options: { cwd: string; env: NodeJS.ProcessEnv }): Promise<Remote> {
  const child: ChildProcessWithoutNullStreams = spawn(python, ["-u", SESSION], { ...options, stdio: "pipe" });
  const waiting: { resolve(value: unknown): void; reject(error: Error): void }[] = [];
  let stderr = "";
  let ended: Error | undefined;
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.once("exit", (code) => {
    ended = new Error(`the Python session ended with code ${code}:\n${stderr}`);
    for (const call of waiting.splice(0)) call.reject(ended);
  });
  createInterface(child.stdout).on("line", (line) => {
    const answer = JSON.parse(line) as Answer;
    const call = waiting.shift();
    if (answer.error) call?.reject(new PythonError(answer.error.type, answer.error.message));
    else call?.resolve(answer.value);
  });
  const run = (code: string): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (ended) return reject(ended);
      waiting.push({ resolve, reject });
      child.stdin.write(`${JSON.stringify(code)}\n`);
    });
  await run("result = None");
  return {
    run,
    close: async () => {
      if (ended) return;
      const exit = once(child, "exit");
      child.stdin.end();
      await exit;
    },
  };
}
