import {
  AGENT_LEASE_MS,
  type AppendLogsRequest,
  type ClaimRequest,
  type ClaimResponse,
  type HeartbeatRequest,
  type HeartbeatResponse,
  type HeldRequest,
  type HeldResponse,
  LOG_BYTES_MAX,
  POD_LAUNCHER_LEASE_MS,
  tokenHash,
} from "@skein/contracts";
import {
  appendLogChunks,
  CHANGES_CHANNEL,
  EVENTS_CHANNEL,
  type Notifier,
  recordHeartbeat,
  recordWaiting,
} from "@skein/db";
import { SkeinError } from "@skein/errors";
import { createClaim } from "./claim.ts";
import { createHeld } from "./held.ts";
import { noteDecks } from "./live-decks.ts";
import { createGrantMaker, type GrantOptions } from "./make-grants.ts";

/** What agents ask of the api: claims, heartbeats, log chunks. Every method may be called again with the same words. */
export interface AgentService {
  claim(request: ClaimRequest): Promise<ClaimResponse>;
  heartbeat(request: HeartbeatRequest): Promise<HeartbeatResponse>;
  /** To be asked before the first heartbeat, which gives up what it does not name. */
  held(request: HeldRequest): Promise<HeldResponse>;
  /** `servedPool` is what the caller's token says: chunks name no pool. */
  appendLogs(request: AppendLogsRequest, servedPool: string): Promise<{ readonly stored: number }>;
}

export interface AgentServiceOptions extends GrantOptions {
  readonly notifier: Notifier;
  /** Rebuilds the tokens of attempts. */
  readonly secretKey: string;
}

/** A claim may be silent for two leases: longer than any answer to it can be under way. */
const FORGOTTEN_AFTER_MS = 2 * AGENT_LEASE_MS;
/** An agent's last line says that the log was cut, so it may stand a little beyond the cap. */
const LOG_END_MAX = LOG_BYTES_MAX + 64 * 1024;

/** Pods go on while their launcher is away. */
const leaseOf = ({ runtime }: HeartbeatRequest): number =>
  runtime === "kubernetes" ? POD_LAUNCHER_LEASE_MS : AGENT_LEASE_MS;

export function createAgentService(options: AgentServiceOptions): AgentService {
  const { pool, storage, notifier, secretKey } = options;
  const grants = createGrantMaker(options);
  return {
    claim: createClaim(pool, grants),
    held: createHeld(pool, secretKey, grants),

    async heartbeat(request) {
      const limits = { leaseMs: leaseOf(request), forgottenAfterMs: FORGOTTEN_AFTER_MS };
      const { stop, settled, isCordoned, isForeign, hasEvents } = await recordHeartbeat(pool, request, limits);
      if (isForeign) {
        throw new SkeinError(
          "already_exists",
          "agent_id_taken",
          `A live agent of another pool is called ${request.agentId}. Give this one another SKEIN_AGENT_ID.`,
        );
      }
      if (hasEvents) notifier.notify(EVENTS_CHANNEL);
      const hasDecks = await noteDecks(pool, storage, request);
      const hasReasons = await recordWaiting(pool, request, request.notes);
      if (hasDecks || hasReasons) notifier.notify(CHANGES_CHANNEL);
      return { stop, settled, isCordoned };
    },

    async appendLogs({ agentId, chunks }, servedPool) {
      const decoded = chunks
        .map(({ token, data, ...chunk }) => ({
          ...chunk,
          tokenHash: tokenHash(token),
          data: Buffer.from(data, "base64"),
        }))
        .filter(({ offset, data }) => data.length > 0 && offset + data.length <= LOG_END_MAX);
      if (decoded.length === 0) return { stored: 0 };
      return { stored: await appendLogChunks(pool, { agentId, pool: servedPool }, decoded) };
    },
  };
}
