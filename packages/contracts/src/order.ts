import { z } from "zod";

/** Names one try of one action. */
export const AttemptId = z.object({
  runId: z.uuid(),
  ordinal: z.int32().min(0),
  /** From 0. */
  attempt: z.int32().min(0),
});
export type AttemptId = z.infer<typeof AttemptId>;

/** `runId.ordinal.attempt`: the id of a BullMQ job (which may not hold a colon), of a working folder and of a container. */
export const attemptKey = (id: AttemptId): string => `${id.runId}.${id.ordinal}.${id.attempt}`;

/** Reads what `attemptKey` wrote; undefined for anything else, so that it is safe on names found on a disk. */
export function readAttemptKey(text: string): AttemptId | undefined {
  const match = /^([0-9a-f-]{36})\.(\d+)\.(\d+)$/.exec(text);
  if (!match) return undefined;
  const parsed = AttemptId.safeParse({ runId: match[1], ordinal: Number(match[2]), attempt: Number(match[3]) });
  return parsed.success ? parsed.data : undefined;
}

/**
 * What an order asks for. `echo` answers with its inputs and starts nothing, so it needs no slot and no claim call;
 * `container` covers everything that runs user code, as a process, a container or a pod.
 */
export const ORDER_KINDS = ["echo", "container"] as const;
export type OrderKind = (typeof ORDER_KINDS)[number];

/** Inputs up to this many bytes travel in the order; larger ones come with the claim. */
export const ORDER_INPUT_BYTES_MAX = 16 * 1024;

/** What a container needs to have for itself. */
export const AskedResources = z.object({
  cpuMillis: z.int().min(0),
  memoryMiB: z.int().min(0),
  gpus: z.int().min(0),
});
export type AskedResources = z.infer<typeof AskedResources>;

/** Asks an agent of a pool to make one attempt. Delivered at least once; never holds a secret of a user. */
export const AttemptOrder = AttemptId.extend({
  kind: z.enum(ORDER_KINDS),
  /** Where reports of this run go. */
  shard: z.int().min(0),
  /** Proves that a report or a claim is about this attempt. Postgres keeps only its hash. */
  token: z.string().min(20),
  /** What the container asks for; an agent takes what fits into what it has left. */
  resources: AskedResources.optional(),
  /**
   * An agent keeps room for this order and lets others have it meanwhile. Until the moment is over, one that has no room
   * for it now leaves it to that agent.
   */
  offered: z.object({ agentId: z.string().min(1).max(128), untilMs: z.number() }).optional(),
  /** base64 of a serialized `flyteidl.core.LiteralMap`, when it is small enough. Always there for `echo`, whatever its size. */
  inputs: z.string().optional(),
});
export type AttemptOrder = z.infer<typeof AttemptOrder>;
