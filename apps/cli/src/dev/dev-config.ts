import { env, portNumber, sharedFields, storageFields } from "@skein/config";
import { z } from "zod";

/** What `skein dev` itself reads. Every other variable reaches api, scheduler and agent, which check their own. */
export const DevConfig = z.object({
  home: z.string().optional().describe("Where Skein keeps everything (default ~/.skein)").meta({ example: "~/.skein" }),
  host: z.string().default("127.0.0.1").describe("Where to listen"),
  port: portNumber().default(8088).describe("The one port for browsers, REST, tRPC and gRPC"),
  grpcPort: z
    .union([z.literal("off"), portNumber()])
    .default(8089)
    .describe("A second port with the same services, where Flyte's clients look for gRPC; off to disable"),
  databaseUrl: sharedFields.databaseUrl.optional().describe("A Postgres of your own instead of the embedded one"),
  redisUrl: sharedFields.redisUrl,
  queueDatabaseUrl: sharedFields.queueDatabaseUrl,
  storage: storageFields.storage.optional().describe("Where data goes instead of $SKEIN_HOME/storage"),
  secretKey: sharedFields.secretKey
    .optional()
    .describe("Signs tokens and URLs; made up and kept in $SKEIN_HOME unless given"),
  pool: sharedFields.pool,
  logLevel: sharedFields.logLevel.default("warn").describe("How much to log"),
});
export type DevConfig = z.infer<typeof DevConfig>;

export const readDevConfig = env(DevConfig);
