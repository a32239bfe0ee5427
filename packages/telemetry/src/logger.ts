import { destination, type Logger as PinoLogger, pino } from "pino";
import { describeError, describeErrorsIn } from "./describe-error.ts";
import { redact } from "./redact.ts";

/** Structured log. The first argument holds facts for queries, the second is one sentence. */
export type Logger = Pick<PinoLogger, "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "child" | "level">;

export interface LoggerOptions {
  /** The process: `api`, `scheduler`, `agent`. */
  readonly name: string;
  readonly level: string;
  /** Takes each line instead of stderr. */
  readonly write?: (line: string) => void;
}

/**
 * One JSON object a line on stderr, at once, so that the last words of a crash are there. Of errors only what names
 * them is kept; secrets are replaced by `[redacted]`.
 */
export function openLogger({ name, level, write }: LoggerOptions): Logger {
  return pino(
    {
      name,
      level,
      serializers: { err: describeError },
      formatters: { log: describeErrorsIn },
      hooks: { streamWrite: redact },
    },
    write ? { write } : destination({ dest: 2, sync: true }),
  );
}
