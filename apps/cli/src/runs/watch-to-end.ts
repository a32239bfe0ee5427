import type { Command } from "commander";
import { followRun, throwUnlessSucceeded } from "../follow/follow.ts";
import { changeLines, liveTree } from "../follow/live-tree.ts";
import { readSeconds } from "../input/read-time.ts";
import type { RunId, Session } from "../session/session.ts";
import { readRun, textOfRun } from "./run-view.ts";

export interface WaitOptions {
  readonly wait?: boolean;
  readonly timeout?: string;
}

/** Adds `--wait` and its limit. */
export const withWait = (command: Command): Command =>
  command
    .option("-w, --wait", "follow the run to its end; the exit code then says how it ended")
    .option("--timeout <time>", "with --wait: how long to wait, such as 10m (exit code 8)");

/** Shows a run while it goes on and what came of it; the exit code says how it ended. */
export async function watchToEnd(session: Session, id: RunId, { timeout }: WaitOptions): Promise<void> {
  const { print } = session;
  const isDrawn = process.stderr.isTTY === true && print.form === "table";
  const display = isDrawn ? liveTree() : changeLines(print.note);
  const timeoutSeconds = timeout === undefined ? undefined : readSeconds(timeout, "--timeout");
  const end = await followRun(session, id, { timeoutSeconds, onUpdate: display.update }).finally(display.close);
  print.one(await readRun(session, id), (run) => run.name, textOfRun);
  throwUnlessSucceeded(end);
}

/** What a command that started a run says: the address first, then the run, or how it ended. */
export async function showStarted(session: Session, id: RunId, options: WaitOptions): Promise<void> {
  const { print, consoleUrl } = session;
  const url = consoleUrl(id);
  print.note(url);
  if (options.wait) return watchToEnd(session, id, options);
  print.one(
    { ...id, url },
    (run) => run.name,
    (run) => run.name,
  );
}
