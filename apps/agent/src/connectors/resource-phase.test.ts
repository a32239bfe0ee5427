import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { AgentError_Kind, ResourceSchema, State } from "@skein/idl/connector";
import { ExecutionError_ErrorKind, TaskExecution_Phase as Phase } from "@skein/idl/core";
import { expect, test } from "vitest";
import { readResource } from "./resource-phase.ts";

const read = (init: MessageInitShape<typeof ResourceSchema>) => readResource(create(ResourceSchema, init));

test.each([
  [Phase.QUEUED, "The connector's task is queued: m"],
  [Phase.WAITING_FOR_RESOURCES, "The connector's task is waiting for resources: m"],
  [Phase.INITIALIZING, "The connector's task is initializing: m"],
])("phase %s waits, in words for people", (phase, reason) => {
  expect(read({ phase, message: "m" })).toEqual({ type: "waiting", reason });
});

test("a task runs, and succeeds with its outputs or without", () => {
  expect(read({ phase: Phase.RUNNING })).toEqual({ type: "running" });
  expect(read({ phase: Phase.SUCCEEDED })).toEqual({ type: "succeeded", outputs: undefined });
  expect(read({ phase: Phase.SUCCEEDED, outputs: { literals: {} } })).toMatchObject({ outputs: { literals: {} } });
});

test.each([
  [Phase.FAILED, "failed to run the job: m", false],
  [Phase.RETRYABLE_FAILED, "failed to run the job: m", true],
  [Phase.ABORTED, "failed to run the job with aborted phase.", false],
])("phase %s fails as it does in Flyte", (phase, message, recoverable) => {
  const failure = { code: "TaskFailedWithError", message, kind: "user", recoverable };
  expect(read({ phase, message: "m" })).toEqual({ type: "failed", failure });
});

test("a connector may name the failure's code and say that the platform is at fault", () => {
  const agentError = {
    code: "QuotaExceeded",
    kind: AgentError_Kind.RECOVERABLE,
    origin: ExecutionError_ErrorKind.SYSTEM,
  };
  const failure = { code: "QuotaExceeded", kind: "system", recoverable: true };
  expect(read({ phase: Phase.RETRYABLE_FAILED, agentError })).toMatchObject({ failure });
});

test.each([
  [State.PENDING, { type: "waiting" }],
  [State.RUNNING, { type: "running" }],
  [State.SUCCEEDED, { type: "succeeded" }],
  [State.PERMANENT_FAILURE, { failure: { recoverable: false } }],
  [State.RETRYABLE_FAILURE, { failure: { recoverable: true } }],
])("the state %s of a connector without phases is understood", (state, expected) => {
  expect(read({ state })).toMatchObject(expected);
});

test("what has no meaning is the connector's own failure", () => {
  const failure = { code: "ConnectorFailed", kind: "system", recoverable: true };
  expect(read({ phase: 77 as Phase })).toMatchObject({ type: "failed", failure });
  expect(read({ state: 78 as State })).toMatchObject({ type: "failed", failure });
});
