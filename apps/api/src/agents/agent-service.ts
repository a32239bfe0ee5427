import {
  AGENT_LEASE_MS,
  type AppendLogsRequest,
  type AttemptId,
  type ClaimGrant,
  type ClaimRequest,
  type ClaimResponse,
  type HeartbeatRequest,
  type HeartbeatResponse,
  LOG_BYTES_MAX,
  tokenHash,
} from "@skein/contracts";
import {
  appendLogChunks,
  type ClaimedAttempt,
  claimAttempts,
  EVENTS_CHANNEL,
  type Notifier,
  type OpenDb,
  readAncestorNodeIds,
  readCompiledWorkflow,
  recordHeartbeat,
} from "@skein/db";
import { invariant, SkeinError } from "@skein/errors";
import type { Storage } from "@skein/storage";
import { lruCache } from "../registry/lru-cache.ts";
import { claimGrant } from "./claim-grant.ts";
import { findNode, readWorkflowIndex, taskTemplateOf, type WorkflowIndex } from "./workflow-index.ts";

/** What agents ask of the api: claims, heartbeats, log chunks. Every method may be called again with the same words. */
export interface AgentService {
  claim(request: ClaimRequest): Promise<ClaimResponse>;
  heartbeat(request: HeartbeatRequest): Promise<HeartbeatResponse>;
  /** `servedPool` is what the caller's token says: chunks name no pool. */
  appendLogs(request: AppendLogsRequest, servedPool: string): Promise<{ readonly stored: number }>;
}

/** A claim may be silent for two leases: longer than any answer to it can be under way. */
const FORGOTTEN_AFTER_MS = 2 * AGENT_LEASE_MS;
/** An agent's last line says that the log was cut, so it may stand a little beyond the cap. */
const LOG_END_MAX = LOG_BYTES_MAX + 64 * 1024;
const CACHED_WORKFLOWS_MAX = 100;

export function createAgentService(options: {
  readonly pool: OpenDb["pool"];
  readonly storage: Storage;
  readonly notifier: Notifier;
}): AgentService {
  const { pool, storage, notifier } = options;
  const cache = lruCache<WorkflowIndex>(CACHED_WORKFLOWS_MAX);

  const indexOf = async (workflowId: number): Promise<WorkflowIndex> => {
    const cached = cache.get(String(workflowId));
    if (cached) return cached;
    const compiled = await readCompiledWorkflow(pool, workflowId);
    invariant(compiled, `workflow ${workflowId} of a claimed attempt does not exist`);
    const index = readWorkflowIndex(compiled);
    cache.set(String(workflowId), index);
    return index;
  };

  const grantOf = async (id: AttemptId, claimed: ClaimedAttempt): Promise<ClaimGrant> => {
    invariant(claimed.taskKey !== null, `action ${claimed.actionName} of run ${id.runId} has an attempt but no task`);
    const index = await indexOf(claimed.workflowId);
    const isNested = claimed.parentOrdinal !== null;
    const ancestorIds = isNested ? await readAncestorNodeIds(pool, id.runId, id.ordinal) : [];
    const node = findNode(index, ancestorIds, claimed.specNodeId);
    return claimGrant(storage, id, claimed, taskTemplateOf(index, claimed.taskKey, node), node);
  };

  return {
    async claim({ agentId, pool: workPool, attempts }) {
      const wanted = attempts.map(({ token, ...id }) => ({ ...id, tokenHash: tokenHash(token) }));
      const verdicts = await claimAttempts(pool, agentId, workPool, wanted);
      const results = verdicts.map(async (verdict, index) => {
        if (!verdict.granted) return { refused: verdict.refused };
        const id = attempts[index];
        invariant(id, "a claim has as many verdicts as attempts");
        return { granted: await grantOf(id, verdict.granted) };
      });
      return { results: await Promise.all(results) };
    },

    async heartbeat(request) {
      const limits = { leaseMs: AGENT_LEASE_MS, forgottenAfterMs: FORGOTTEN_AFTER_MS };
      const { stop, settled, isForeign, hasEvents } = await recordHeartbeat(pool, request, limits);
      if (isForeign) {
        throw new SkeinError(
          "already_exists",
          "agent_id_taken",
          `A live agent of another pool is called ${request.agentId}. Give this one another SKEIN_AGENT_ID.`,
        );
      }
      if (hasEvents) notifier.notify(EVENTS_CHANNEL);
      return { stop, settled };
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
