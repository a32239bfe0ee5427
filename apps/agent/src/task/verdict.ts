import type { ReportedFailure } from "@skein/contracts";
import { fromBytes } from "@skein/idl";
import { ContainerError_Kind, ErrorDocumentSchema, ExecutionError_ErrorKind } from "@skein/idl/core";
import type { Exit } from "../runtimes/runtime.ts";

/** What user code left behind. */
export interface Remains {
  readonly exit: Exit;
  /** error.pb, when there is one. */
  readonly errorDocument: Uint8Array | undefined;
  /** Size of outputs.pb, when there is one. */
  readonly outputBytes: number | undefined;
  readonly outputBytesMax: number;
  readonly declaresOutputs: boolean;
  /** Whether there is a futures.pb. */
  readonly hasFutures: boolean;
  /** The end of the log, for failures that say nothing themselves. */
  readonly logEnd: string;
}

/** `expanded`: it wrote a workflow, whose outputs will be the task's. */
export type Verdict =
  | { readonly type: "succeeded" }
  | { readonly type: "expanded" }
  | { readonly type: "failed"; readonly failure: ReportedFailure };

/** gRPC trailers carry it, and they are small. */
const MESSAGE_BYTES_MAX = 31 * 1024;
const CODE_LENGTH_MAX = 512;

/**
 * Says what became of user code. Files win over the exit code: flytekit exits 0 after an error that it wrote down.
 * What the platform did (killed, lost) is recoverable; what the user's code did is, only where a retry is its contract.
 */
export function judge(remains: Remains): Verdict {
  const { outputBytes } = remains;
  if (remains.errorDocument) return failed(readErrorDocument(remains.errorDocument));
  if (remains.hasFutures) return { type: "expanded" };
  if (outputBytes !== undefined && outputBytes > remains.outputBytesMax) {
    const message = `outputs.pb has ${outputBytes} bytes, and at most ${remains.outputBytesMax} are allowed: return a file or a dataset instead`;
    return failed(user("OutputSizeExceeded", message, false));
  }
  return outputBytes === undefined ? judgeWithout(remains) : { type: "succeeded" };
}

/** Neither error nor outputs: what is left is how it ended. */
function judgeWithout({ exit, declaresOutputs, logEnd }: Remains): Verdict {
  if (exit.type === "failed") return failed(exit.failure);
  if (exit.type === "killed") return failed(killed(exit, logEnd));
  if (declaresOutputs) {
    const message = `The task declares outputs but wrote neither outputs.pb nor error.pb (${exitText(exit)})`;
    return failed(system("OutputsNotFound", withLog(message, logEnd)));
  }
  if (exit.type === "vanished") return failed(system("Killed", exit.message));
  if (exit.code !== 0)
    return failed(user("NonZeroExit", withLog(`The command failed with ${exitText(exit)}`, logEnd), true));
  return { type: "succeeded" };
}

/** A message as long as clients can read. The end of a stack trace says most, so the middle goes. */
export function fitMessage(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= MESSAGE_BYTES_MAX) return message;
  const mark = "\n… (shortened) …\n";
  const half = Math.floor((MESSAGE_BYTES_MAX - Buffer.byteLength(mark)) / 2) - 4;
  return `${bytes.subarray(0, half).toString()}${mark}${bytes.subarray(bytes.length - half).toString()}`;
}

function readErrorDocument(bytes: Uint8Array): ReportedFailure {
  try {
    const { error } = fromBytes(ErrorDocumentSchema, bytes);
    return {
      code: (error?.code ?? "").slice(0, CODE_LENGTH_MAX) || "Unknown",
      message: fitMessage(error?.message ?? ""),
      kind: error?.origin === ExecutionError_ErrorKind.SYSTEM ? "system" : "user",
      recoverable: error?.kind === ContainerError_Kind.RECOVERABLE,
    };
  } catch {
    return system("ErrorFileInvalid", "The task failed, and its error.pb cannot be read");
  }
}

function killed(exit: Extract<Exit, { type: "killed" }>, logEnd: string): ReportedFailure {
  if (exit.isOutOfMemory) {
    // As in Flyte: trying it again with no more memory is the task's own budget.
    const message = "The task used more memory than its limit and was killed: ask for more memory";
    return user("OOMKilled", message, true);
  }
  return system("Killed", withLog(`The task was killed by ${exit.signal}`, logEnd));
}

const exitText = (exit: Extract<Exit, { type: "exited" | "vanished" }>): string =>
  exit.type === "exited" ? `exit code ${exit.code}` : exit.message;

const withLog = (message: string, logEnd: string): string =>
  logEnd.trim() === "" ? message : `${message}. The log ends with:\n${logEnd.trim()}`;

const failed = (failure: ReportedFailure): Verdict => ({ type: "failed", failure });
const system = (code: string, message: string): ReportedFailure => ({
  code,
  message: fitMessage(message),
  kind: "system",
  recoverable: true,
});
const user = (code: string, message: string, recoverable: boolean): ReportedFailure => ({
  code,
  message: fitMessage(message),
  kind: "user",
  recoverable,
});
