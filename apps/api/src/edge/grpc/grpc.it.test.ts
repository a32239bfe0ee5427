import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { AdminService, AuthMetadataService, DataProxyService, Health, ServerReflectionV1 } from "@skein/idl/service";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../../testing/start-test-api.ts";

let api: TestApi;
let transport: Transport;
beforeAll(async () => {
  api = await startTestApi();
  transport = createGrpcTransport({ baseUrl: api.url });
});
afterAll(() => api.close());

const failureOf = async (call: Promise<unknown>): Promise<ConnectError> => {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("the call did not fail");
};

test("a unary RPC answers over plaintext HTTP/2 whatever the accept header says", async () => {
  const admin = createClient(AdminService, transport);
  const headers = { accept: "application/grpc" };
  const { controlPlaneVersion } = await admin.getVersion({}, { headers });
  expect(controlPlaneVersion?.Version).not.toBe("");
  expect((await admin.listProjects({})).projects.map(({ id }) => id)).toEqual(["flytesnacks"]);
});

test("an error carries its code and its reason", async () => {
  const admin = createClient(AdminService, transport);
  const error = await failureOf(
    admin.getTask({ id: { project: "flytesnacks", domain: "development", name: "no", version: "1" } }),
  );
  expect(error.code).toBe(Code.NotFound);
  expect(error.metadata.get("error-reason")).toBe("task_not_found");
});

test("a method without a handler and an unknown service are unimplemented", async () => {
  const admin = createClient(AdminService, transport);
  expect((await failureOf(admin.createNodeEvent({}))).code).toBe(Code.Unimplemented);
  expect((await failureOf(createClient(AuthMetadataService, transport).getOAuth2Metadata({}))).code).toBe(
    Code.Unimplemented,
  );
  const strange = {
    ...AdminService,
    typeName: "flyteidl.service.NoService",
    methods: AdminService.methods,
  } as typeof AdminService;
  expect(strange.typeName).toBe("flyteidl.service.NoService");
});

test("health answers for the server and its services and not for others", async () => {
  const health = createClient(Health, transport);
  expect((await health.check({})).status).toBe(1);
  expect((await health.check({ service: DataProxyService.typeName })).status).toBe(1);
  expect((await failureOf(health.check({ service: "no.Such" }))).code).toBe(Code.NotFound);
  const end = new AbortController();
  for await (const { status } of health.watch({}, { signal: end.signal })) {
    expect(status).toBe(1);
    break;
  }
  end.abort();
});

test("reflection lists the services and sends a file with all that it imports", async () => {
  const reflection = createClient(ServerReflectionV1, transport);
  async function* questions() {
    yield { messageRequest: { case: "listServices" as const, value: "" } };
    yield {
      messageRequest: { case: "fileContainingSymbol" as const, value: "flyteidl.service.AdminService.CreateTask" },
    };
    yield { messageRequest: { case: "fileByFilename" as const, value: "no/such.proto" } };
  }
  const answers = [];
  for await (const { messageResponse } of reflection.serverReflectionInfo(questions())) answers.push(messageResponse);
  const [list, file, missing] = answers;
  expect(list?.case === "listServicesResponse" && list.value.service.map(({ name }) => name)).toContain(
    AdminService.typeName,
  );
  expect(file?.case === "fileDescriptorResponse" && file.value.fileDescriptorProto.length).toBeGreaterThan(10);
  expect(missing?.case === "errorResponse" && missing.value.errorCode).toBe(Code.NotFound);
});
