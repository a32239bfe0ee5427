import { inspect } from "node:util";
import { errorCodeOf } from "@skein/client";
import type { Environment } from "@skein/config";
import { SkeinError } from "@skein/errors";
import { CommanderError } from "commander";
import { EXIT_CODES, ExitError, exitCodeOf, isAway } from "./output/exit-code.ts";
import { safeLines } from "./output/safe-text.ts";
import { createProgram } from "./program.ts";

/** Does what the arguments say, says what went wrong, and answers with the exit code. */
export async function runProgram(environment: Environment, args: readonly string[]): Promise<number> {
  try {
    await createProgram(environment).parseAsync(args, { from: "user" });
    return EXIT_CODES.ok;
  } catch (error) {
    // What is wrong with the command line is said already.
    if (!(error instanceof CommanderError)) process.stderr.write(`${forPeople(error)}\n`);
    return exitCodeOf(error);
  }
}

/** What can be acted on is a message; anything else is shown whole. */
function forPeople(error: unknown): string {
  if (!(error instanceof Error)) return inspect(error);
  if (isAway(error)) {
    return safeLines(`Skein does not answer (${error.message}). Is it running? --server or SKEIN_API_URL says where.`);
  }
  const isForPeople = error instanceof SkeinError || error instanceof ExitError || errorCodeOf(error) !== undefined;
  return isForPeople ? safeLines(error.message) : inspect(error);
}
