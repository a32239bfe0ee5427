import { z } from "zod";
import { AttemptId, AttemptOrder } from "./order.ts";

/** The messages of the api's agent service (tRPC router `agent`, agent token): claim, heartbeat, log chunks. */

/** In a capacity: as much as anybody asks for. */
export const UNLIMITED = 2 ** 31 - 1;

export const Capacity = z.object({
  slots: z.int().min(1).max(10_000),
  cpuMillis: z.int32().min(0),
  memoryMiB: z.int32().min(0),
  gpus: z.int32().min(0),
});
export type Capacity = z.infer<typeof Capacity>;

const AgentId = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/, "letters, digits, '.', '_' and '-', at most 128");

/** How a task wants to find a secret. */
export const SECRET_MOUNTS = ["any", "variable", "file"] as const;

/** A secret that the task asked for. */
export const GrantedSecret = z.object({
  group: z.string(),
  /** Empty: the newest. */
  version: z.string(),
  key: z.string(),
  mount: z.enum(SECRET_MOUNTS),
  /** One more variable that the task wants: the value, or the file's path where it is a file. */
  variable: z.string().nullable(),
  /** base64; null where the api's stores have none, and the agent may know one. */
  value: z.string().nullable(),
});
export type GrantedSecret = z.infer<typeof GrantedSecret>;

/** Credentials for the object store that reach no further than the attempt needs, and end with it. */
export const StoreCredentials = z.object({
  accessKeyId: z.string(),
  secretAccessKey: z.string(),
  sessionToken: z.string(),
  expiresAtMs: z.number(),
});
export type StoreCredentials = z.infer<typeof StoreCredentials>;

export const ClaimRequest = z.object({
  agentId: AgentId,
  pool: z.string().min(1).max(63),
  /** Granted or refused one by one. */
  attempts: z
    .array(AttemptId.extend({ token: z.string().min(20) }))
    .min(1)
    .max(500),
});
export type ClaimRequest = z.infer<typeof ClaimRequest>;

const Texts = z.record(z.string(), z.string());

/** What holds for tasks of a project. A container task's template says already what it may use; a pod is the launcher's to bound. */
export const GrantedPolicy = z.object({
  /** Kubernetes quantities by resource (`cpu`, `memory`, `gpu`, `ephemeral-storage`): of containers that ask for nothing. */
  resourceDefaults: Texts,
  /** No container gets more. */
  resourceLimits: Texts,
  /** Words of templates for the project's namespace. */
  namespaceValues: Texts,
});
export type GrantedPolicy = z.infer<typeof GrantedPolicy>;

/** All an agent needs to start user code. Bytes are base64 of protobuf messages. */
export const ClaimGrant = z.object({
  /** `flyteidl.core.TaskTemplate`. */
  taskTemplate: z.string(),
  /** `flyteidl.core.LiteralMap`; inline, or in the object store when over 1 MiB. */
  inputs: z.union([z.object({ data: z.string() }), z.object({ uri: z.string(), sizeBytes: z.number() })]),
  org: z.string(),
  project: z.string(),
  domain: z.string(),
  /** The run's name that clients see (Flyte 1: execution name). */
  runName: z.string(),
  /** Unique node id that clients see. */
  actionName: z.string(),
  /** `project:domain:workflow name`. */
  workflowKey: z.string(),
  /** Environment of the run (execution spec), name → value; wins over the container's own. */
  environment: z.record(z.string(), z.string()),
  /** `s3://…` or `file://…` without a trailing slash: metadata of this attempt goes under it. */
  outputPrefix: z.string(),
  /** Where the task writes its own files. */
  rawOutputPrefix: z.string(),
  /** Checkpoint folder of the attempt before, when there was one. */
  previousCheckpointPrefix: z.string().nullable(),
  /** Which item of a map this is; null outside of maps. */
  arrayIndex: z.int().min(0).nullable().default(null),
  /** For a task that is itself a client of the server: what it shows there, null where callers need no token. */
  platform: z.object({ token: z.string().nullable() }).nullable().default(null),
  secrets: z.array(GrantedSecret).default([]),
  /** What administrators set for the project; missing where they set nothing. */
  policy: GrantedPolicy.optional(),
  /** Null where the agent's own configuration says what tasks get. */
  storeCredentials: StoreCredentials.nullable().default(null),
  labels: z.record(z.string(), z.string()),
  annotations: z.record(z.string(), z.string()),
  interruptible: z.boolean(),
  /** The service account that the run was launched with, for tasks that name none. */
  serviceAccount: z.string().optional(),
  /** Milliseconds, 0 = none. The scheduler enforces it; the agent only tells the task. */
  timeoutMs: z.number(),
});
export type ClaimGrant = z.infer<typeof ClaimGrant>;

/**
 * In the order of the request. `refused` says why in a word: the attempt is over, unknown, or somebody else's. `later`: it
 * is the agent's, but something it needs cannot be had now, as the words for people say; ask again.
 */
export const ClaimResponse = z.object({
  results: z.array(
    z.union([
      z.object({ granted: ClaimGrant }),
      z.object({ refused: z.enum(["over", "unknown", "taken", "stopping"]) }),
      z.object({ later: z.string().max(2_000) }),
    ]),
  ),
});
export type ClaimResponse = z.infer<typeof ClaimResponse>;

export const RUNTIMES = ["process", "docker", "kubernetes"] as const;

/** What an agent knows of an attempt that has not begun, in words for people: "ImagePullBackOff: …", "Unschedulable: …". */
export const WaitingNote = AttemptId.extend({ reason: z.string().max(2_000) });
export type WaitingNote = z.infer<typeof WaitingNote>;

/** One per agent every `HEARTBEAT_INTERVAL_MS`; extends the lease of all it holds. */
export const HeartbeatRequest = z.object({
  agentId: AgentId,
  pool: z.string().min(1).max(63),
  runtime: z.enum(RUNTIMES),
  /** What the agent's owner says of it. */
  labels: z.record(z.string().max(63), z.string().max(255)).default({}),
  version: z.string().max(64),
  capacity: Capacity,
  /** Taken, not yet settled: running here, or ended with a report that was not acknowledged. */
  attempts: z.array(AttemptId).max(10_000),
  /** Of these, attempts that still run and have stored a deck since the last heartbeat that was answered. */
  decks: z.array(AttemptId).max(1_000).default([]),
  /** News since the last heartbeat that was answered. */
  notes: z.array(WaitingNote).max(1_000).default([]),
  draining: z.boolean(),
});
export type HeartbeatRequest = z.infer<typeof HeartbeatRequest>;

export const HeartbeatResponse = z.object({
  /** End these and report `stopped` (or their outcome, if it came first). */
  stop: z.array(AttemptId),
  /** Over in Postgres: forget them and clean up; kill what still runs of them. */
  settled: z.array(AttemptId),
  /** Somebody wants the agent to take nothing more; what it holds goes on. */
  isCordoned: z.boolean().default(false),
});
export type HeartbeatResponse = z.infer<typeof HeartbeatResponse>;

/** Asks for all that the agent holds, a page at a time: it may have lost its disk, though not what it started. */
export const HeldRequest = z.object({
  agentId: AgentId,
  pool: z.string().min(1).max(63),
  /** The last attempt of the page before. */
  after: AttemptId.nullable().default(null),
});
export type HeldRequest = z.infer<typeof HeldRequest>;

export const HeldResponse = z.object({
  /** Claimed by the agent and not over, in the order of their ids. */
  attempts: z.array(z.object({ order: AttemptOrder, grant: ClaimGrant, startedAtMs: z.number().nullable() })),
  /** Where to go on; null at the end. */
  next: AttemptId.nullable(),
});
export type HeldResponse = z.infer<typeof HeldResponse>;

/** A piece of an attempt's log. `offset` counts bytes from the start, so that sending twice stores once. */
export const LogChunk = AttemptId.extend({
  token: z.string().min(20),
  offset: z.int().min(0),
  /** base64, at most 64 KiB decoded. */
  data: z.string().max(90_000),
});
export type LogChunk = z.infer<typeof LogChunk>;

export const AppendLogsRequest = z.object({ agentId: AgentId, chunks: z.array(LogChunk).min(1).max(100) });
export type AppendLogsRequest = z.infer<typeof AppendLogsRequest>;

export const HEARTBEAT_INTERVAL_MS = 1_000;
/** The name of a task's deck in its output folder. */
export const DECK_FILE = "deck.html";
/** An agent silent for this long has lost what it claimed; its attempts count as lost and are tried again. */
export const AGENT_LEASE_MS = 15_000;
/** The same for an agent whose tasks go on without it, as pods do. */
export const POD_LAUNCHER_LEASE_MS = 300_000;
/** A log is cut here, with a last line that says so. */
export const LOG_BYTES_MAX = 10 * 1024 * 1024;
