import { spawn } from "node:child_process";
import { once } from "node:events";

/** How a client's command ended. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, as a person would have seen them. */
  readonly output: string;
}

/** Runs a program to its end, with its output kept. Kills it after `timeoutMs` (90 s unless told). */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly timeoutMs?: number },
): Promise<CommandResult> {
  const { cwd, env, timeoutMs = 90_000 } = options;
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], timeout: timeoutMs });
  const said = { stdout: "", stderr: "", output: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      said[stream] += text;
      said.output += text;
    });
  }
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  if (signal !== null) throw new Error(`${command} ${args.join(" ")} ended by ${signal}:\n${said.output}`);
  return { code: code ?? -1, ...said };
}
