import { create } from "@bufbuild/protobuf";
import type { ClaimGrant } from "@skein/contracts";
import { IdentifierSchema, KeyValuePairSchema } from "@skein/idl/core";
import { expect, test } from "vitest";
import { type EnvironmentSource, taskEnvironment } from "./environment.ts";

const source = (change: Partial<EnvironmentSource> = {}): EnvironmentSource => ({
  grant: {
    project: "p",
    domain: "d",
    runName: "run",
    workflowKey: "p:d:w",
    environment: { BOTH: "run", RUN: "1" },
    arrayIndex: null,
    platform: null,
    storeCredentials: null,
  } as unknown as ClaimGrant,
  attempt: 2,
  taskId: create(IdentifierSchema, { project: "p", domain: "d", name: "t", version: "v" }),
  container: [create(KeyValuePairSchema, { key: "BOTH", value: "container" })],
  store: undefined,
  apiUrl: "http://api:8088",
  base: { PATH: "/bin" },
  ...change,
});

test("a task gets Flyte's names, its container's and its run's, and nothing else", () => {
  expect(taskEnvironment(source())).toEqual({
    PATH: "/bin",
    PYTHONUNBUFFERED: "1",
    FLYTE_INTERNAL_EXECUTION_ID: "run",
    FLYTE_INTERNAL_EXECUTION_PROJECT: "p",
    FLYTE_INTERNAL_EXECUTION_DOMAIN: "d",
    FLYTE_INTERNAL_EXECUTION_WORKFLOW: "p:d:w",
    FLYTE_ATTEMPT_NUMBER: "2",
    FLYTE_INTERNAL_TASK_PROJECT: "p",
    FLYTE_INTERNAL_TASK_DOMAIN: "d",
    FLYTE_INTERNAL_TASK_NAME: "t",
    FLYTE_INTERNAL_TASK_VERSION: "v",
    _F_L_MIN_SIZE_MB: "10",
    _F_L_MAX_SIZE_MB: "1000",
    BOTH: "run",
    RUN: "1",
  });
});

test("an item knows its index, and a client its server", () => {
  const { grant } = source();
  expect(taskEnvironment(source({ grant: { ...grant, arrayIndex: 0 } }))).toMatchObject({
    BATCH_JOB_ARRAY_INDEX_VAR_NAME: "FLYTE_K8S_ARRAY_INDEX",
    FLYTE_K8S_ARRAY_INDEX: "0",
  });
  expect(taskEnvironment(source({ grant: { ...grant, platform: { token: null } } }))).toMatchObject({
    FLYTE_PLATFORM_URL: "api:8088",
  });
});

test("credentials that were made for the attempt take the place of the agent's", () => {
  const store = { kind: "s3", endpoint: "http://s3:9000", accessKeyId: "own", secretAccessKey: "own" } as const;
  const storeCredentials = { accessKeyId: "id", secretAccessKey: "key", sessionToken: "token", expiresAtMs: 1 };
  const { grant } = source();
  const environment = taskEnvironment(source({ store, grant: { ...grant, storeCredentials } }));
  expect(environment).toMatchObject({
    AWS_ACCESS_KEY_ID: "id",
    AWS_SECRET_ACCESS_KEY: "key",
    AWS_SESSION_TOKEN: "token",
  });
  expect(Object.values(environment)).not.toContain("own");
});
