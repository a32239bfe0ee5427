import { type RunUpdate, watchRun } from "@skein/client";
import { ExitError } from "../output/exit-code.ts";
import { safeLine } from "../output/safe-text.ts";
import { textOfError } from "../runs/run-view.ts";
import type { RunId, Session } from "../session/session.ts";

export interface FollowOptions {
  readonly timeoutSeconds?: number | undefined;
  readonly onUpdate?: (update: RunUpdate) => void;
}

/**
 * Follows a run to its end, and answers how it ended. ^C and the time limit end the following, not the run: both are
 * said, with the command that goes on.
 */
export async function followRun(
  { client }: Session,
  id: RunId,
  { timeoutSeconds, onUpdate }: FollowOptions = {},
): Promise<RunUpdate["run"]> {
  // A server that is away, or a run that is not there, is an answer at once instead of a wait.
  let last: RunUpdate["run"] = await client.runs.get.query(id);
  const goOn = `Run ${safeLine(id.name)} goes on: skein watch ${safeLine(id.name)}`;
  await untilStopped(goOn, timeoutSeconds, async (signal) => {
    for await (const update of watchRun(client, id, { signal })) {
      last = update.run;
      onUpdate?.(update);
    }
  });
  return last;
}

/** Does `work` until it ends, ^C is pressed or the time is over; the latter two abort its signal and throw. */
export async function untilStopped(
  goOn: string,
  timeoutSeconds: number | undefined,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const onInterrupt = (): void => stop.abort(new ExitError("interrupted", `\n${goOn}`));
  const onTimeout = (): void => stop.abort(new ExitError("timeout", `Not over after ${timeoutSeconds} s. ${goOn}`));
  const timer = timeoutSeconds === undefined ? undefined : setTimeout(onTimeout, timeoutSeconds * 1_000);
  process.once("SIGINT", onInterrupt);
  process.once("SIGTERM", onInterrupt);
  try {
    await work(stop.signal);
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    clearTimeout(timer);
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onInterrupt);
  }
}

/** Throws what says by its exit code how a run ended; nothing where it succeeded. */
export function throwUnlessSucceeded({ name, phase, error, abort }: RunUpdate["run"]): void {
  if (phase === "succeeded") return;
  if (phase === "aborted") throw new ExitError("runAborted", `Run ${name} was stopped: ${abort?.cause || "no reason"}`);
  throw new ExitError("runFailed", `Run ${name} ${phase}${error ? `: ${textOfError(error)}` : "."}`);
}
