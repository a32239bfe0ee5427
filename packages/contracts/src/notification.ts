import { z } from "zod";

/** A version of something registered. */
const Version = z.strictObject({
  project: z.string(),
  domain: z.string(),
  name: z.string(),
  version: z.string(),
});

/**
 * What is told of a run that is over: the body of a webhook, and what mails are written from. Receivers outside of our
 * reach read it: fields may be added, never renamed, removed or given another meaning.
 */
export const RunEnded = z
  .strictObject({
    type: z.literal("run.ended").describe("What happened"),
    version: z.literal(1).describe("Of this format"),
    run: z.strictObject({
      project: z.string(),
      domain: z.string(),
      name: z.string().describe("Unique in its project and domain"),
      phase: z.enum(["succeeded", "failed", "aborted"]),
      mode: z.string().describe("How it came to be: manual, scheduled, child_workflow, relaunch, recovered …"),
      principal: z.string().describe("Who started it"),
      createdAt: z.iso.datetime(),
      startedAt: z.iso.datetime().nullable(),
      endedAt: z.iso.datetime(),
      durationSeconds: z.number().nullable().describe("From its start to its end"),
      url: z.string().nullable().describe("Its page; null where the server was not told its own address"),
    }),
    launchPlan: Version.nullable().describe("Null for a single task"),
    workflow: Version.nullable().describe("Null for a single task"),
    task: Version.nullable().describe("Null for a launch plan"),
    error: z
      .strictObject({
        code: z.string(),
        kind: z.enum(["user", "system"]),
        message: z.string().describe("Its first lines"),
      })
      .nullable()
      .describe("Of a failed run"),
    abort: z.strictObject({ cause: z.string(), principal: z.string() }).nullable().describe("Of an aborted run"),
  })
  .meta({ title: "A run is over", id: "run.ended" });
export type RunEnded = z.infer<typeof RunEnded>;

/** What is kept encrypted of a rule's webhook. */
export const SealedTarget = z.strictObject({
  url: z.string(),
  /** Signs what is sent; null for Slack, whose address is the secret. */
  secret: z.string().nullable(),
});
export type SealedTarget = z.infer<typeof SealedTarget>;

/** What the encryption of targets is told that it is for. */
export const TARGET_PURPOSE = "notification-targets";

/** Which rule a sealed target belongs to: under another one it cannot be read. */
export const targetPlace = (rule: {
  readonly org: string;
  readonly project: string;
  readonly domain: string;
  readonly name: string;
}) => {
  const { org, project, domain, name } = rule;
  return { org, project, domain, group: "notification-rules", key: name, version: 0 };
};
