import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { AdminService } from "@skein/idl/service";
import { TEST_TENANT } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../testing/start-test-api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const countsOf = async (): Promise<string[]> => {
  const text = await (await fetch(`${api.url}/metrics`)).text();
  return text.split("\n").filter((line) => line.startsWith("skein_rpc_seconds_count"));
};
const count = (transport: string, method: string, code: string, times: number): string =>
  `skein_rpc_seconds_count{transport="${transport}",method="${method}",code="${code}"} ${times}`;

test("every transport counts its calls by method and by how they ended, and none that nobody serves", async () => {
  const admin = createClient(AdminService, createGrpcTransport({ baseUrl: api.url }));
  const id = { ...TEST_TENANT, name: "none" };
  await admin.getVersion({});
  await admin.getVersion({});
  await expect(admin.getExecution({ id })).rejects.toThrow("does not exist");
  const input = encodeURIComponent(JSON.stringify(id));
  for (const path of [
    "/api/v1/version",
    "/api/v1/executions/flytesnacks/development/none",
    "/api/v1/executions/flytesnacks/development?limit=none",
    "/api/v1/nothing",
    "/trpc/system.version",
    `/trpc/runs.get?input=${input}`,
    "/trpc/runs.list?input=%7B%7D",
    "/trpc/runs.nothing",
  ]) {
    await (await fetch(`${api.url}${path}`)).arrayBuffer();
  }
  const service = "flyteidl.service.AdminService";
  expect((await countsOf()).sort()).toEqual(
    [
      count("grpc", `${service}/GetVersion`, "ok", 2),
      count("grpc", `${service}/GetExecution`, "not_found", 1),
      count("rest", `${service}/GetVersion`, "ok", 1),
      count("rest", `${service}/GetExecution`, "not_found", 1),
      count("rest", `${service}/ListExecutions`, "invalid_argument", 1),
      count("trpc", "system.version", "ok", 1),
      count("trpc", "runs.get", "not_found", 1),
      count("trpc", "runs.list", "invalid_argument", 1),
    ].sort(),
  );
});
