import { SkeinError } from "@skein/errors";
import type { Caller } from "./auth/caller.ts";
import type { Permission, Tenant } from "./permissions.ts";

/** What every handler of every transport knows about the call it serves. */
export interface Call {
  readonly caller: Caller;
  /** Names this call in logs and in messages of internal errors. */
  readonly correlationId: string;
  readonly signal: AbortSignal;
  /**
   * Throws `permission_denied` unless the policy allows it. Every transport asks for the request's own tenant; whoever
   * follows a name inside the request, or in a row, to somebody else's things asks again for theirs.
   */
  authorize(permission: Permission, tenant: Tenant): void;
}

/** For what is left out where the caller may not see it, instead of refused. */
export function isAllowed(call: Call, permission: Permission, tenant: Tenant): boolean {
  try {
    call.authorize(permission, tenant);
    return true;
  } catch (error) {
    if (error instanceof SkeinError && error.code === "permission_denied") return false;
    throw error;
  }
}
