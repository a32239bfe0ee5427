import { env, sharedFields, storageFields, taskResourceFields, wholeNumber } from "@skein/config";
import { readAmounts } from "@skein/launch";
import { z } from "zod";

/** Every variable the scheduler reads. */
export const schedulerSchema = z.object({
  databaseUrl: sharedFields.databaseUrl,
  redisUrl: sharedFields.redisUrl,
  queueDatabaseUrl: sharedFields.queueDatabaseUrl,
  queuePrefix: sharedFields.queuePrefix,
  secretKey: sharedFields.secretKey,
  ...storageFields,
  shards: wholeNumber(1, 256)
    .optional()
    .describe("How many shards runs are spread over; 8 with Redis and 1 without unless told. Only ever grows"),
  pool: sharedFields.pool,
  maxParallelism: sharedFields.maxParallelism,
  ...taskResourceFields(readAmounts),
  historyDays: wholeNumber(1, 3650).default(30).describe("How long applied events are kept"),
  scheduleHistoryDays: wholeNumber(1, 3650)
    .default(365)
    .describe("How long it is remembered which ticks of schedules and backfills had their run"),
  publicUrl: z
    .url({ protocol: /^https?$/, error: "must be an http or https URL" })
    .optional()
    .describe("How people reach the server: messages about runs link there")
    .meta({ example: "https://skein.example.com" }),
  smtpUrl: z
    .string()
    .regex(/^smtps?:\/\/\S+$/, "must start with smtp:// or smtps://")
    .optional()
    .describe("The server that sends mail about runs; without it such mails fail")
    .meta({ example: "smtps://user:password@mail.example.com" }),
  smtpFrom: z
    .string()
    .regex(/^[^\r\n]*@[^\r\n]+$/, "must be a mail address")
    .optional()
    .describe("Who those mails are from")
    .meta({ example: "Skein <skein@example.com>" }),
  webhookAllowedHosts: z
    .string()
    .transform((text) => text.split(",").map((host) => host.trim().toLowerCase()))
    .pipe(z.array(z.string().regex(/^[a-z0-9.:_-]+$/, "must be names of hosts or addresses, separated by commas")))
    .default([])
    .describe("Hosts that webhooks may reach though they are inside or speak no TLS, separated by commas")
    .meta({ example: "hooks.internal,10.1.2.3" }),
  logLevel: sharedFields.logLevel,
  metricsHost: sharedFields.metricsHost,
  metricsPort: sharedFields.metricsPort,
});
export type SchedulerConfig = z.output<typeof schedulerSchema>;

/** Throws one SkeinError that lists everything that is wrong. */
export const readSchedulerConfig = env(schedulerSchema);
