import { randomUUID } from "node:crypto";
import { SkeinError } from "@skein/errors";
import { authenticate, type ReadHeader } from "../auth/authenticate.ts";
import type { Caller } from "../auth/caller.ts";
import type { HostGuard } from "../auth/host-guard.ts";
import type { Verifier } from "../auth/verifier.ts";
import type { Call } from "../call.ts";
import type { Permission, Policy, Tenant } from "../permissions.ts";

/** What a transport knows of a request before it reads the body. */
export interface RequestHead {
  readonly header: ReadHeader;
  /** HTTP/2 says `:authority`. */
  readonly host: string | undefined;
  readonly correlationId: string;
  readonly signal: AbortSignal;
}

/** The one way in: every transport opens its calls here, and asks the call for its permissions. */
export interface Access {
  /** Refuses foreign pages, then finds out who calls. */
  openCall(permission: Permission, head: RequestHead): Promise<Call>;
}

export function createAccess(options: {
  readonly verifier: Verifier;
  readonly policy: Policy;
  /** Absent where tokens, or the operator's word, protect the server. */
  readonly hostGuard: HostGuard | undefined;
}): Access {
  const { verifier, policy, hostGuard } = options;
  return {
    async openCall(permission, head) {
      hostGuard?.({ host: head.host, origin: head.header("origin") });
      const caller = await authenticate(verifier, permission, head.header);
      return {
        caller,
        correlationId: head.correlationId,
        signal: head.signal,
        authorize: (wanted, tenant) => {
          if (!policy(caller, wanted, tenant)) throw refusal(caller, wanted, tenant);
        },
      };
    },
  };
}

function refusal(caller: Caller, permission: Permission, tenant: Tenant): SkeinError {
  const where = [tenant.project, tenant.domain].filter((part) => part !== undefined && part !== "").join("/");
  return new SkeinError(
    "permission_denied",
    "permission_denied",
    `${caller.name} may not ${permission}${where === "" ? "" : ` in ${where}`}.`,
    { details: { permission, subject: caller.subject } },
  );
}

/** The client's own id for its request where it sent a plain one, so that its logs and ours can be joined. */
export function correlationIdOf(header: ReadHeader): string {
  const sent = header("x-request-id");
  return sent !== undefined && /^[\w.-]{1,64}$/.test(sent) ? sent : randomUUID();
}
