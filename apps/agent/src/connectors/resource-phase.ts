import type { ReportedFailure } from "@skein/contracts";
import { type Resource, State } from "@skein/idl/connector";
import { ExecutionError_ErrorKind, type LiteralMap, TaskExecution_Phase } from "@skein/idl/core";
import { fitMessage } from "../task/verdict.ts";

/** How far a connector's task is. */
export type Progress =
  | { readonly type: "waiting"; readonly reason: string }
  | { readonly type: "running" }
  /** Without `outputs` they lie in the object store, if there are any. */
  | { readonly type: "succeeded"; readonly outputs: LiteralMap | undefined }
  | { readonly type: "failed"; readonly failure: ReportedFailure };

/** The code of a failure that says no code itself, as Flyte has it. */
export const FAILED_CODE = "TaskFailedWithError";
const CODE_LENGTH_MAX = 512;

/** Reads what a connector says of a task, as Flyte does; a phase that nobody knows is the connector's failure. */
export function readResource(resource: Resource): Progress {
  const { phase, message } = resource;
  switch (phase) {
    case TaskExecution_Phase.UNDEFINED:
      return readState(resource);
    case TaskExecution_Phase.QUEUED:
      return waiting("queued", message);
    case TaskExecution_Phase.WAITING_FOR_RESOURCES:
      return waiting("waiting for resources", message);
    case TaskExecution_Phase.INITIALIZING:
      return waiting("initializing", message);
    case TaskExecution_Phase.RUNNING:
      return { type: "running" };
    case TaskExecution_Phase.SUCCEEDED:
      return { type: "succeeded", outputs: resource.outputs };
    case TaskExecution_Phase.ABORTED:
      return failed(resource, "failed to run the job with aborted phase.", false);
    case TaskExecution_Phase.FAILED:
      return failed(resource, `failed to run the job: ${message}`, false);
    case TaskExecution_Phase.RETRYABLE_FAILED:
      return failed(resource, `failed to run the job: ${message}`, true);
    default:
      return unknown(`phase ${phase}`);
  }
}

/** What connectors said before there were phases. */
function readState(resource: Resource): Progress {
  const { state, message } = resource;
  switch (state) {
    case State.PENDING:
      return waiting("initializing", message);
    case State.RUNNING:
      return { type: "running" };
    case State.SUCCEEDED:
      return { type: "succeeded", outputs: resource.outputs };
    case State.PERMANENT_FAILURE:
      return failed(resource, `failed to run the job.\n${message}`, false);
    case State.RETRYABLE_FAILURE:
      return failed(resource, `failed to run the job.\n${message}`, true);
    default:
      return unknown(`state ${state}`);
  }
}

const waiting = (word: string, message: string): Progress => ({
  type: "waiting",
  reason: message === "" ? `The connector's task is ${word}` : `The connector's task is ${word}: ${message}`,
});

function failed({ agentError }: Resource, message: string, recoverable: boolean): Progress {
  const kind = agentError?.origin === ExecutionError_ErrorKind.SYSTEM ? "system" : "user";
  const code = (agentError?.code ?? "").slice(0, CODE_LENGTH_MAX) || FAILED_CODE;
  return { type: "failed", failure: { code, message: fitMessage(message), kind, recoverable } };
}

const unknown = (what: string): Progress => ({
  type: "failed",
  failure: {
    code: "ConnectorFailed",
    message: `The connector answered with ${what}, which has no meaning`,
    kind: "system",
    recoverable: true,
  },
});
