import { type RunUpdate, type SkeinClient, watchRun } from "@skein/client";
import { SkeinError } from "@skein/errors";
import type { Tenant } from "./register-command.ts";

/** A run by the names that clients know. */
export interface RunName extends Tenant {
  readonly name: string;
}

/** Says each change of phase until the run has ended; throws unless it succeeded. */
export async function followRun(client: SkeinClient, id: RunName, say: (line: string) => void): Promise<void> {
  const startedAt = Date.now();
  const known = new Map<string, string>();
  const tell = (name: string, phase: string): void => {
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1).padStart(5);
    if (known.get(name) !== phase) say(`  ${seconds} s  ${name.padEnd(24)} ${phase}`);
    known.set(name, phase);
  };
  let last: RunUpdate["run"] | undefined;
  for await (const { run, actions } of watchRun(client, id)) {
    for (const action of actions) if (action.kind === "task") tell(nameOf(action), action.phase);
    tell(run.name, run.phase);
    last = run;
  }
  if (last?.phase === "succeeded") return;
  throw new SkeinError("aborted", "demo_run_failed", `The run ended ${last?.phase}: ${last?.error?.message ?? ""}`);
}

/** The node and the last part of its task's name: `n0 greet`. */
function nameOf({ name, taskKey }: RunUpdate["actions"][number]): string {
  const task = taskKey?.split(":")[2]?.split(".").at(-1);
  return task === undefined || task === name ? name : `${name} ${task}`;
}
