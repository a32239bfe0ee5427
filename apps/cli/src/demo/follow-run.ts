import { setTimeout as delay } from "node:timers/promises";
import { SkeinError } from "@skein/errors";
import type { FlyteRest, RunName } from "./flyte-rest.ts";

const POLL_MS = 100;
const RUN_MS_MAX = 5 * 60_000;
const ENDED = ["SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT"];

/** Says each change of phase until the run has ended; throws unless it succeeded. */
export async function followRun(rest: FlyteRest, run: RunName, say: (line: string) => void): Promise<void> {
  const startedAt = Date.now();
  const known = new Map<string, string>();
  const seconds = () => ((Date.now() - startedAt) / 1000).toFixed(1).padStart(5);
  const tell = (name: string, phase: string) => {
    if (known.get(name) !== phase) say(`  ${seconds()} s  ${name.padEnd(21)} ${phase.toLowerCase()}`);
    known.set(name, phase);
  };
  while (Date.now() - startedAt < RUN_MS_MAX) {
    const { phase, error } = await rest.phaseOf(run);
    for (const action of await rest.actionsOf(run)) tell(action.id, action.phase);
    tell(run.name, phase);
    if (phase === "SUCCEEDED") return;
    if (ENDED.includes(phase))
      throw new SkeinError("aborted", "demo_run_failed", `The run ended ${phase}: ${error ?? ""}`);
    await delay(POLL_MS);
  }
  throw new SkeinError(
    "deadline_exceeded",
    "demo_run_slow",
    `The run did not end within ${RUN_MS_MAX / 60_000} minutes.`,
  );
}
