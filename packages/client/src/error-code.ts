import type { AppRouter } from "@skein/api/router";
import { TRPCClientError } from "@trpc/client";

/**
 * Why the server refused a call, such as `not_found` or `already_exists`; undefined where no answer of the server came.
 * The message of the error says it for people.
 */
export function errorCodeOf(error: unknown): string | undefined {
  if (!(error instanceof TRPCClientError)) return undefined;
  const { data } = error as TRPCClientError<AppRouter>;
  return data?.skein.code;
}
