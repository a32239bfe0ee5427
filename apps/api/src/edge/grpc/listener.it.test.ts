import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { AdminService } from "@skein/idl/service";
import type { Logger } from "@skein/telemetry";
import { expect, test } from "vitest";
import { createVerifier } from "../../auth/verifier.ts";
import { createAccess } from "../access.ts";
import { createPublishError } from "../errors.ts";
import { createGrpcListener } from "./listener.ts";

test("an answer that cannot be written is an internal error with an id, and is logged under it", async () => {
  const logged: { correlationId?: string }[] = [];
  const log = (facts: { correlationId?: string }): void => void logged.push(facts);
  const method = AdminService.method.getTaskExecution;
  const broken = create(method.output, { id: { retryAttempt: 2 ** 33 } });
  const listener = createGrpcListener({
    access: createAccess({
      verifier: createVerifier({ secretKey: "x".repeat(32), isRunLive: async () => true }),
      policy: () => true,
      hostGuard: undefined,
    }),
    publishError: createPublishError({ error: log, warn: log } as unknown as Logger),
    startTimer: () => () => undefined,
    services: [
      { service: AdminService, rpcs: [{ method, permission: "system:read", invoke: () => Promise.resolve(broken) }] },
    ],
    streaming: () => undefined,
    messageBytesMax: 1_000,
    shutdownSignal: new AbortController().signal,
  });
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const admin = createClient(AdminService, createGrpcTransport({ baseUrl, idleConnectionTimeoutMs: 10 }));
  const error = await admin.getTaskExecution({}).then(() => undefined, ConnectError.from);
  expect(error?.code).toBe(Code.Internal);
  expect(error?.metadata.get("error-reason")).toBe("internal_error");
  expect(error?.rawMessage).not.toContain("serialize");
  expect(logged).toHaveLength(1);
  expect(error?.rawMessage).toContain(logged[0]?.correlationId ?? "none");
  server.close();
});
