import { create } from "@bufbuild/protobuf";
import { SkeinError } from "@skein/errors";
import { toBytes } from "@skein/idl";
import { ContainerError_Kind, ErrorDocumentSchema, ExecutionError_ErrorKind } from "@skein/idl/core";

/** Why there are no inputs or outputs: what the program said, what is wrong with its files, or that data could not be moved. */
export type DataFailure =
  | { readonly problem: string; readonly isUsers: boolean }
  | { readonly step: "InputDownloadFailed" | "OutputUploadFailed"; readonly error: unknown };

const TASKS_FAULTS: readonly string[] = ["invalid_argument", "not_found", "unimplemented"];

/** The error.pb of a failure. The task's own retries count, as they do for any failure of its program. */
export function errorDocument(failure: DataFailure): Uint8Array {
  const { code, message, isUsers } = describe(failure);
  const origin = isUsers ? ExecutionError_ErrorKind.USER : ExecutionError_ErrorKind.SYSTEM;
  const error = { code, message, kind: ContainerError_Kind.RECOVERABLE, origin };
  return toBytes(ErrorDocumentSchema, create(ErrorDocumentSchema, { error }));
}

function describe(failure: DataFailure): { code: string; message: string; isUsers: boolean } {
  if ("problem" in failure) {
    return { code: failure.isUsers ? "UserError" : "OutputUploadFailed", message: failure.problem, isUsers: true };
  }
  const { step, error } = failure;
  const what = step === "InputDownloadFailed" ? "The inputs could not be brought" : "The outputs could not be stored";
  const message = `${what}: ${error instanceof Error ? error.message : String(error)}`;
  return { code: step, message, isUsers: error instanceof SkeinError && TASKS_FAULTS.includes(error.code) };
}
