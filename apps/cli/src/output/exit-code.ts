import { errorCodeOf } from "@skein/client";
import { type ErrorCode, SkeinError } from "@skein/errors";
import { CommanderError } from "commander";

/** What the exit code of every command means; docs/cli.md tells them to people. */
export const EXIT_CODES = {
  ok: 0,
  error: 1,
  usage: 2,
  notFound: 3,
  runFailed: 4,
  runAborted: 5,
  denied: 6,
  serverAway: 7,
  timeout: 8,
  interrupted: 130,
} as const;
export type Exit = keyof typeof EXIT_CODES;

/** Ends a command with an exit code that no error code of the server stands for. */
export class ExitError extends Error {
  override readonly name = "ExitError";
  readonly exit: Exit;

  constructor(exit: Exit, message: string) {
    super(message);
    this.exit = exit;
  }
}

const EXITS: Partial<Record<ErrorCode, Exit>> = {
  invalid_argument: "usage",
  out_of_range: "usage",
  not_found: "notFound",
  permission_denied: "denied",
  unauthenticated: "denied",
  unavailable: "serverAway",
  deadline_exceeded: "timeout",
};

/** The exit code of a command that ended with this error. */
export function exitCodeOf(error: unknown): number {
  return EXIT_CODES[exitOf(error)];
}

function exitOf(error: unknown): Exit {
  if (error instanceof ExitError) return error.exit;
  if (error instanceof CommanderError) return error.exitCode === 0 ? "ok" : "usage";
  const code = error instanceof SkeinError ? error.code : errorCodeOf(error);
  if (code !== undefined) return EXITS[code as ErrorCode] ?? "error";
  return isAway(error) ? "serverAway" : "error";
}

/** Whether no answer of a Skein server came. */
export const isAway = (error: unknown): boolean =>
  error instanceof Error && error.name === "TRPCClientError" && errorCodeOf(error) === undefined;
