#!/usr/bin/env node
import { errorCodeOf } from "@skein/client";
import { SkeinError } from "@skein/errors";
import { CommanderError } from "commander";
import { ExitError, exitCodeOf, isAway } from "./output/exit-code.ts";
import { safeLines } from "./output/safe-text.ts";
import { createProgram } from "./program.ts";

// Whoever reads our output may leave, as `head` does: that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

try {
  await createProgram(process.env).parseAsync();
} catch (error) {
  // What is wrong with the command line is said already.
  if (!(error instanceof CommanderError)) console.error(forPeople(error));
  process.exit(exitCodeOf(error));
}

/** What can be acted on is a message; anything else is shown whole. */
function forPeople(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (isAway(error)) {
    return safeLines(`Skein does not answer (${error.message}). Is it running? --server or SKEIN_API_URL says where.`);
  }
  const isForPeople = error instanceof SkeinError || error instanceof ExitError || errorCodeOf(error) !== undefined;
  return isForPeople ? safeLines(error.message) : error;
}
