import { SkeinError } from "@skein/errors";
import { TRPCClientError } from "@trpc/client";
import { CommanderError } from "commander";
import { expect, test } from "vitest";
import { ExitError, exitCodeOf, isAway } from "./exit-code.ts";

const answered = (code: string): Error =>
  TRPCClientError.from({ error: { code: -32_000, message: "no", data: { skein: { code } } } } as never);

test("every way to end has its code", () => {
  const cases = [
    [new Error("bug"), 1],
    [answered("already_exists"), 1],
    [answered("internal"), 1],
    [new CommanderError(1, "commander.unknownOption", "unknown option"), 2],
    [new SkeinError("invalid_argument", "invalid_option", "no"), 2],
    [answered("invalid_argument"), 2],
    [answered("not_found"), 3],
    [new ExitError("runFailed", "no"), 4],
    [new ExitError("runAborted", "no"), 5],
    [answered("permission_denied"), 6],
    [answered("unauthenticated"), 6],
    [new TRPCClientError("fetch failed"), 7],
    [answered("unavailable"), 7],
    [new ExitError("timeout", "no"), 8],
    [new ExitError("interrupted", "no"), 130],
    [new CommanderError(0, "commander.helpDisplayed", "help"), 0],
  ] as const;
  for (const [error, code] of cases) expect([error.message, exitCodeOf(error)]).toEqual([error.message, code]);
  expect(isAway(new TRPCClientError("fetch failed"))).toBe(true);
  expect(isAway(answered("not_found"))).toBe(false);
});
