import { env, sharedFields, wholeNumber } from "@skein/config";
import { z } from "zod";

/** Every variable the scheduler reads. */
export const schedulerSchema = z.object({
  databaseUrl: sharedFields.databaseUrl,
  redisUrl: sharedFields.redisUrl,
  queueDatabaseUrl: sharedFields.queueDatabaseUrl,
  queuePrefix: sharedFields.queuePrefix,
  secretKey: sharedFields.secretKey,
  storage: sharedFields.storage,
  s3Endpoint: z.string().optional().describe("S3 endpoint, when it is not AWS").meta({ example: "http://minio:9000" }),
  s3Region: z.string().optional().describe("Region of the bucket").meta({ example: "eu-north-1" }),
  awsAccessKeyId: z.string().optional().describe("S3 access key; without it the usual AWS sources count"),
  awsSecretAccessKey: z.string().optional().describe("S3 secret key"),
  awsSessionToken: z.string().optional().describe("S3 session token"),
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

export const schedulerNames = {
  awsAccessKeyId: "AWS_ACCESS_KEY_ID",
  awsSecretAccessKey: "AWS_SECRET_ACCESS_KEY",
  awsSessionToken: "AWS_SESSION_TOKEN",
};

/** Throws one SkeinError that lists everything that is wrong. */
export const readSchedulerConfig = env(schedulerSchema, { names: schedulerNames });
