import { SkeinError } from "@skein/errors";
import { z } from "zod";

/** A whole number as text, within bounds. */
export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^-?\d+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));

/** `true` or `false`; anything else is refused, so that `SKEIN_ALLOW_ANONYMOUS=no` is not taken for yes. */
export const flag = () => z.enum(["true", "false"], "must be true or false").transform((text) => text === "true");

/** Text that a function reads; the SkeinError it throws is what is wrong with the variable. */
export const readBy = <T>(read: (text: string) => T) =>
  z.string().transform((text, context) => {
    try {
      return read(text);
    } catch (error) {
      if (!(error instanceof SkeinError)) throw error;
      context.addIssue({ code: "custom", message: error.message });
      return z.NEVER;
    }
  });

/** What a server sets for tasks' resources, by who reads such amounts. */
export const taskResourceFields = <T>(readAmounts: (text: string) => T) => ({
  taskResourceDefaults: readBy(readAmounts)
    .prefault("")
    .describe("What the container of a task gets that asks for nothing, where nothing is set for its project")
    .meta({ example: "cpu=500m,memory=200Mi" }),
  taskResourceLimits: readBy(readAmounts)
    .prefault("")
    .describe("The most that the container of a task gets, where nothing is set for its project")
    .meta({ example: "cpu=8,memory=16Gi,gpu=1" }),
});

/** A TCP port, 0 for any free one. */
export const portNumber = () => wholeNumber(0, 65_535);

/** Random text of 32 characters has far more different ones, even in hexadecimal. */
const DISTINCT_MIN = 8;
/** What people leave in place: whoever reads the documentation could sign tokens with it. */
const isPlaceholder = (key: string): boolean =>
  new Set(key).size < DISTINCT_MIN || /change.?me|placeholder|openssl rand|your.?secret|insecure/i.test(key);

/** Fields that several processes read, so that one variable means the same everywhere. */
export const sharedFields = {
  logLevel: z
    .enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"])
    .default("info")
    .describe("How much to log")
    .meta({ example: "info" }),
  secretKey: z
    .string()
    .min(32, "must have at least 32 characters")
    .refine((key) => !isPlaceholder(key), "must be random: this is a placeholder, make one with `openssl rand -hex 32`")
    .describe("Signs attempt, agent and run tokens; the same for api and scheduler")
    .meta({ example: "the output of: openssl rand -hex 32" }),
  databaseUrl: z
    .string()
    .regex(/^postgres(ql)?:\/\//, "must start with postgres://")
    .describe("The Postgres database that holds everything")
    .meta({ example: "postgres://skein:password@localhost:5432/skein" }),
  redisUrl: z
    .string()
    .regex(/^rediss?:\/\//, "must start with redis:// or rediss://")
    .optional()
    .describe("Redis or Valkey for the queue; without it the queue lives in Postgres")
    .meta({ example: "redis://localhost:6379" }),
  queueDatabaseUrl: z
    .string()
    .regex(/^postgres(ql)?:\/\//, "must start with postgres://")
    .optional()
    .describe("The queue's own Postgres database, when there is no Redis")
    .meta({ example: "postgres://skein_queue:password@localhost:5432/skein_queue" }),
  queuePrefix: z
    .string()
    .regex(/^[a-z0-9_-]{1,40}$/, "must be 1 to 40 of a-z, 0-9, _ and -")
    .default("skein")
    .describe("In front of every queue's name, so that two installations can share one Redis"),
  pool: z
    .string()
    .regex(/^[a-z0-9-]{1,63}$/, "must be 1 to 63 of a-z, 0-9 and -")
    .default("default")
    .describe("The pool of work"),
  maxParallelism: wholeNumber(0, 100_000)
    .default(0)
    .describe(
      "How many tasks of one run may be under way at once, where neither the run nor its launch plan says; 0 for any number",
    )
    .meta({ example: "25" }),
  metricsPort: portNumber().optional().describe("Serves /metrics and /healthz on this port").meta({ example: "9090" }),
  metricsHost: z.string().default("127.0.0.1").describe("Where the metrics port listens"),
};
