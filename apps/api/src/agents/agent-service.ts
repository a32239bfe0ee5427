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
  type PathStep,
  readActionPaths,
  recordHeartbeat,
} from "@skein/db";
import { invariant, SkeinError } from "@skein/errors";
import type { Storage } from "@skein/storage";
import { claimGrant } from "./claim-grant.ts";
import { isClient, type SignToken } from "./client-tasks.ts";
import { createFindCheckpoint } from "./previous-checkpoint.ts";
import { createShareInputs } from "./shared-inputs.ts";
import { createFindTask } from "./task-lookup.ts";

/** What agents ask of the api: claims, heartbeats, log chunks. Every method may be called again with the same words. */
export interface AgentService {
  claim(request: ClaimRequest): Promise<ClaimResponse>;
  heartbeat(request: HeartbeatRequest): Promise<HeartbeatResponse>;
  /** `servedPool` is what the caller's token says: chunks name no pool. */
  appendLogs(request: AppendLogsRequest, servedPool: string): Promise<{ readonly stored: number }>;
}

export interface AgentServiceOptions {
  readonly pool: OpenDb["pool"];
  readonly storage: Storage;
  readonly notifier: Notifier;
  /** Makes the token of tasks that are clients of this server; undefined where callers need none. */
  readonly signToken: SignToken | undefined;
}

/** A claim may be silent for two leases: longer than any answer to it can be under way. */
const FORGOTTEN_AFTER_MS = 2 * AGENT_LEASE_MS;
/** An agent's last line says that the log was cut, so it may stand a little beyond the cap. */
const LOG_END_MAX = LOG_BYTES_MAX + 64 * 1024;

interface Granted {
  readonly id: AttemptId;
  readonly claimed: ClaimedAttempt;
}

export function createAgentService({ pool, storage, notifier, signToken }: AgentServiceOptions): AgentService {
  const findTask = createFindTask(pool, storage);
  const findCheckpoint = createFindCheckpoint(pool, storage);
  const shareInputs = createShareInputs(pool, storage);

  const inputsOf = async ({ id, claimed }: Granted): Promise<ClaimGrant["inputs"]> => {
    const { inputs } = claimed;
    if (!inputs) return { data: "" };
    if (inputs.data) return { data: Buffer.from(inputs.data).toString("base64") };
    return { uri: inputs.uri ?? (await shareInputs(id, claimed)), sizeBytes: inputs.sizeBytes };
  };

  const grantOf = async (granted: Granted, path: readonly PathStep[]): Promise<ClaimGrant> => {
    const { id, claimed } = granted;
    const task = await findTask(id, claimed, path);
    const [inputs, previousCheckpointPrefix, token] = await Promise.all([
      inputsOf(granted),
      findCheckpoint(id, claimed, task.template),
      isClient(task.template) ? (signToken?.({ ...claimed, runId: id.runId }) ?? null) : null,
    ]);
    const platform = isClient(task.template) ? { token } : null;
    return claimGrant(storage, id, claimed, task, { inputs, previousCheckpointPrefix, platform });
  };

  return {
    async claim({ agentId, pool: workPool, attempts }) {
      const wanted = attempts.map(({ token, ...id }) => ({ ...id, tokenHash: tokenHash(token) }));
      const verdicts = await claimAttempts(pool, agentId, workPool, wanted);
      const granted = verdicts.flatMap((verdict, index) => {
        const id = attempts[index];
        invariant(id, "a claim has as many verdicts as attempts");
        return verdict.granted ? [{ id, claimed: verdict.granted }] : [];
      });
      const paths = await pathsOf(pool, granted);
      const grants = await Promise.all(granted.map((one) => grantOf(one, paths.get(one) ?? [])));
      let at = 0;
      const results = verdicts.map((verdict) => {
        if (!verdict.granted) return { refused: verdict.refused };
        const grant = grants[at++];
        invariant(grant, "every granted attempt has its grant");
        return { granted: grant };
      });
      return { results };
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

/** The way to each action from the run's graph. One that stands in the graph itself is its own way, without a query. */
async function pathsOf(pool: OpenDb["pool"], granted: readonly Granted[]): Promise<Map<Granted, PathStep[]>> {
  const paths = new Map<Granted, PathStep[]>();
  const nested: Granted[] = [];
  for (const one of granted) {
    const { parentOrdinal, specNodeId } = one.claimed;
    if (parentOrdinal !== null) nested.push(one);
    else paths.set(one, [{ ordinal: one.id.ordinal, specNodeId, kind: "task", isExpanded: false }]);
  }
  const read = await readActionPaths(
    pool,
    nested.map(({ id }) => id),
  );
  for (const [at, one] of nested.entries()) paths.set(one, read[at] ?? []);
  return paths;
}
