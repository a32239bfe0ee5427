import { env, sharedFields, storageFields, wholeNumber } from "@skein/config";
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
  historyDays: wholeNumber(1, 3650).default(30).describe("How long applied events are kept"),
  logLevel: sharedFields.logLevel,
  metricsHost: sharedFields.metricsHost,
  metricsPort: sharedFields.metricsPort,
});
export type SchedulerConfig = z.output<typeof schedulerSchema>;

/** Throws one SkeinError that lists everything that is wrong. */
export const readSchedulerConfig = env(schedulerSchema);
