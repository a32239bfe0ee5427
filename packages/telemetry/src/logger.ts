import { destination, type Logger as PinoLogger, pino } from "pino";

/** Structured log. The first argument holds facts for queries, the second is one sentence. */
export type Logger = Pick<PinoLogger, "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "child" | "level">;

export interface LoggerOptions {
  /** The process: `api`, `scheduler`, `agent`. */
  readonly name: string;
  readonly level: string;
}

const SECRETS = ["token", "secretKey", "authorization", "password", "connectionString", "databaseUrl", "redisUrl"];

/** One JSON object a line on stderr, at once, so that the last words of a crash are there. Secrets are replaced by `[redacted]`. */
export function openLogger(options: LoggerOptions): Logger {
  return pino(
    {
      name: options.name,
      level: options.level,
      redact: { paths: SECRETS.flatMap((key) => [key, `*.${key}`]), censor: "[redacted]" },
    },
    destination({ dest: 2, sync: true }),
  );
}
