import { create } from "@bufbuild/protobuf";
import { toBytes } from "@skein/idl";
import { ContainerError_Kind, ErrorDocumentSchema, ExecutionError_ErrorKind } from "@skein/idl/core";
import { expect, test } from "vitest";
import { fitMessage, judge, type Remains } from "./verdict.ts";

const verdictOf = (change: Partial<Remains>) =>
  judge({
    exit: { type: "exited", code: 0 },
    errorDocument: undefined,
    outputBytes: undefined,
    outputBytesMax: 1_000,
    declaresOutputs: true,
    hasFutures: false,
    logEnd: "",
    ...change,
  });
const failureOf = (change: Partial<Remains>) => {
  const verdict = verdictOf(change);
  return verdict.type === "failed" ? verdict.failure : undefined;
};
const document = (kind: ContainerError_Kind, origin: ExecutionError_ErrorKind) =>
  toBytes(
    ErrorDocumentSchema,
    create(ErrorDocumentSchema, { error: { code: "USER:Value", message: "bad", kind, origin } }),
  );

test("an error file wins over outputs and over exit code 0", () => {
  const errorDocument = document(ContainerError_Kind.NON_RECOVERABLE, ExecutionError_ErrorKind.USER);
  const failure = { code: "USER:Value", message: "bad", kind: "user", recoverable: false };
  expect(failureOf({ errorDocument, outputBytes: 10 })).toEqual(failure);
});

test("kind and origin of an error file are kept", () => {
  const errorDocument = document(ContainerError_Kind.RECOVERABLE, ExecutionError_ErrorKind.SYSTEM);
  expect(failureOf({ errorDocument })).toMatchObject({ kind: "system", recoverable: true });
});

test("an error file that cannot be read is a failure of its own", () => {
  expect(failureOf({ errorDocument: Buffer.from([0xff]) })).toMatchObject({ code: "ErrorFileInvalid" });
});

test("outputs are a success whatever the exit code says", () => {
  expect(verdictOf({ outputBytes: 10, exit: { type: "exited", code: 1 } })).toEqual({ type: "succeeded" });
  expect(verdictOf({ outputBytes: 0 })).toEqual({ type: "succeeded" });
});

test("declared outputs that are missing are a recoverable failure of the system that shows the log's end", () => {
  const failure = failureOf({ exit: { type: "exited", code: 1 }, logEnd: "ImportError\n" });
  expect(failure).toMatchObject({ code: "OutputsNotFound", kind: "system", recoverable: true });
  expect(failure?.message).toContain("exit code 1");
  expect(failure?.message).toContain("ImportError");
});

test("without declared outputs the exit code decides", () => {
  expect(verdictOf({ declaresOutputs: false })).toEqual({ type: "succeeded" });
  const failure = failureOf({ declaresOutputs: false, exit: { type: "exited", code: 3 } });
  expect(failure).toMatchObject({ code: "NonZeroExit", kind: "user", recoverable: true });
});

test("a kill is the system's doing, and one for memory says so", () => {
  const exit = { type: "killed", signal: "SIGKILL", isOutOfMemory: false } as const;
  expect(failureOf({ exit })).toMatchObject({ code: "Killed", kind: "system", recoverable: true });
  expect(failureOf({ exit: { ...exit, isOutOfMemory: true } })).toMatchObject({
    code: "OOMKilled",
    kind: "user",
    recoverable: true,
  });
  expect(failureOf({ exit: { type: "vanished", message: "gone" }, declaresOutputs: false })).toMatchObject({
    code: "Killed",
  });
});

test("oversized outputs fail for good", () => {
  expect(failureOf({ outputBytes: 1_001 })).toMatchObject({ code: "OutputSizeExceeded", recoverable: false });
});

test("a long message keeps its beginning and its end and fits into a trailer", () => {
  const fitted = fitMessage(`first${"ä".repeat(40_000)}last`);
  expect(Buffer.byteLength(fitted)).toBeLessThanOrEqual(31 * 1024);
  expect(fitted.startsWith("first")).toBe(true);
  expect(fitted.endsWith("last")).toBe(true);
  expect(fitMessage("short")).toBe("short");
});

test("a workflow that the task wrote stands in for outputs, but not for an error", () => {
  expect(verdictOf({ hasFutures: true })).toEqual({ type: "expanded" });
  expect(verdictOf({ hasFutures: true, exit: { type: "vanished", message: "gone" } })).toEqual({ type: "expanded" });
  const errorDocument = document(ContainerError_Kind.NON_RECOVERABLE, ExecutionError_ErrorKind.USER);
  expect(failureOf({ hasFutures: true, errorDocument })).toMatchObject({ code: "USER:Value" });
});

test("what the runtime knows of the end counts unless the task left error or outputs", () => {
  const failure = { code: "Interrupted", message: "The pod was deleted", kind: "system" as const, recoverable: true };
  const exit = { type: "failed" as const, failure };
  expect(failureOf({ exit })).toEqual(failure);
  expect(failureOf({ exit, declaresOutputs: false })).toEqual(failure);
  expect(verdictOf({ exit, outputBytes: 10 })).toEqual({ type: "succeeded" });
  expect(verdictOf({ exit, hasFutures: true })).toEqual({ type: "expanded" });
  const errorDocument = document(ContainerError_Kind.RECOVERABLE, ExecutionError_ErrorKind.USER);
  expect(failureOf({ exit, errorDocument, outputBytes: 10 })).toMatchObject({ code: "USER:Value" });
});
