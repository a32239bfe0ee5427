import { type Timestamp, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { ExecutionError_ErrorKind as Kind } from "@skein/idl/core";

interface ErrorColumns {
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly errorKind: "user" | "system" | null;
  readonly endedAt: Date | null;
}

interface FlyteError {
  code: string;
  message: string;
  kind: Kind;
  timestamp?: Timestamp;
}

/** What a list shows of a message. */
const SHORT_LENGTH = 100;

/** Flyte's error; undefined where nothing failed. Lists shorten the message to 100 characters (contract 6.2). */
export function toExecutionError(row: ErrorColumns, isShort = false): FlyteError | undefined {
  if (row.errorCode === null) return undefined;
  const message = row.errorMessage ?? "";
  return {
    code: row.errorCode,
    message: isShort ? message.slice(0, SHORT_LENGTH) : message,
    kind: row.errorKind === "system" ? Kind.SYSTEM : Kind.USER,
    ...(row.endedAt ? { timestamp: timestampFromDate(row.endedAt) } : {}),
  };
}
