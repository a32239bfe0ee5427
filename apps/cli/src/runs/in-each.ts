import { ExitError } from "../output/exit-code.ts";
import { safeLines } from "../output/safe-text.ts";
import type { RunId, Session } from "../session/session.ts";

/**
 * Does the same to each of several runs. One that fails does not keep the others from their turn; the command then ends
 * with the exit code of the first that failed.
 */
export async function inEach(
  { print, runId }: Session,
  names: readonly string[],
  work: (id: RunId) => Promise<string>,
): Promise<void> {
  const done: RunId[] = [];
  let failure: unknown;
  for (const name of names) {
    try {
      const said = await work(runId(name));
      done.push(runId(name));
      print.note(said);
    } catch (error) {
      // ^C and a time limit are about the command, not about this run.
      if (names.length === 1 || error instanceof ExitError || !(error instanceof Error)) throw error;
      print.note(safeLines(`${name}: ${error.message}`));
      failure ??= error;
    }
  }
  if (print.form === "json" || print.form === "yaml")
    print.list(done, { columns: [], nameOf: (id) => id.name, empty: "" });
  if (failure !== undefined) throw failure;
}
