import { z } from "zod";
import { AttemptId } from "./order.ts";

/** Outputs up to this many bytes travel in the report; larger ones are left in the object store and named by `uri`. */
export const REPORT_OUTPUT_BYTES_MAX = 64 * 1024;

/** A serialized `LiteralMap`: inline as base64, or in the object store. */
export const Value = z.union([
  z.object({ data: z.string() }),
  z.object({ uri: z.string(), sizeBytes: z.int().min(0) }),
]);
export type Value = z.infer<typeof Value>;

export const ReportedFailure = z.object({
  code: z.string().min(1).max(512),
  /** flytekit's text, whole up to 31 KiB: it must fit into gRPC trailers. */
  message: z.string().max(32_000),
  kind: z.enum(["user", "system"]),
  recoverable: z.boolean(),
});
export type ReportedFailure = z.infer<typeof ReportedFailure>;

/** What became of an attempt. `lost`: the agent knows that it never ran to an end (say, found no process after a restart). */
export const Outcome = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("started"),
    startedAtMs: z.number(),
    /** What the image's name stood for: `sha256:…`. */
    imageDigest: z.string().max(255).optional(),
  }),
  z.object({
    type: z.literal("succeeded"),
    startedAtMs: z.number(),
    endedAtMs: z.number(),
    outputs: Value,
    /** The task wrote a workflow (`flyteidl.core.DynamicJobSpec`) instead of outputs, which are then empty. */
    futures: z.object({ uri: z.string(), sizeBytes: z.int().min(0) }).optional(),
    /** Object store URI of the deck, when the task wrote one. */
    deckUri: z.string().optional(),
  }),
  z.object({
    type: z.literal("failed"),
    startedAtMs: z.number().nullable(),
    endedAtMs: z.number(),
    failure: ReportedFailure,
    deckUri: z.string().optional(),
  }),
  z.object({ type: z.literal("stopped"), endedAtMs: z.number() }),
  z.object({ type: z.literal("lost"), endedAtMs: z.number(), message: z.string().max(4_000) }),
]);
export type Outcome = z.infer<typeof Outcome>;

/**
 * One fact about one attempt. An agent sends it until a heartbeat answers that the attempt is settled, so it arrives
 * at least once and possibly late; the scheduler drops a report whose token does not match.
 */
export const AttemptReport = AttemptId.extend({
  token: z.string().min(20),
  agentId: z.string().min(1).max(128),
  outcome: Outcome,
});
export type AttemptReport = z.infer<typeof AttemptReport>;
