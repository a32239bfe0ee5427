import { connect as connectHttp2 } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { type AdminClient, echoTask, openAdminClient } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  BACKINGS,
  type FlyteClients,
  haveClients,
  openFlyteClients,
  type RunningSkein,
  startSkein,
} from "./src/index.ts";

const available = await haveClients();

/** Calls a method that no service has, as a gRPC client would, and answers the trailers' status. */
function callUnknownMethod(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(url).once("error", reject);
    const stream = session.request({
      ":method": "POST",
      ":path": "/flyteidl.service.AdminService/NoSuchMethod",
      "content-type": "application/grpc",
      te: "trailers",
    });
    let status = "";
    const read = (headers: Record<string, unknown>) => {
      status = String(headers["grpc-status"] ?? status);
    };
    stream.once("response", read).once("trailers", read).once("error", reject);
    stream.once("close", () => session.close(() => resolve(status)));
    stream.resume();
    stream.end(Buffer.alloc(5));
  });
}

describe.skipIf(!available).each(BACKINGS)("connecting, queue on $queue, files in $storage", (backing) => {
  let skein: RunningSkein;
  let clients: FlyteClients;
  let admin: AdminClient;

  beforeAll(async () => {
    skein = await startSkein({ ...backing, apis: 1, schedulers: 1, agents: 0 });
    clients = await openFlyteClients(skein);
    admin = openAdminClient(skein.url);
  });
  afterAll(async () => {
    await clients?.close();
    await skein?.close();
  });

  test("C1.1 flytectl version prints the server's version", async () => {
    const { code, output } = await clients.flytectl("version");
    expect(output).toContain("controlPlane");
    expect(output).toMatch(/"Version": "[^"]+"/);
    expect(code).toBe(0);
  });

  test("C1.2 flytectl get projects shows flytesnacks as a table, as JSON and as YAML", async () => {
    const [table, json, yaml] = await Promise.all([
      clients.flytectl("get", "projects"),
      clients.flytectlJson("get", "projects"),
      clients.flytectl("get", "projects", "-o", "yaml"),
    ]);
    expect(table.output).toMatch(/flytesnacks/);
    expect(JSON.stringify(json)).toContain('"id":"flytesnacks"');
    expect(yaml.stdout).toMatch(/id: flytesnacks/);
  });

  test("C1.3 a project is created once with its labels; the second time it exists already", async () => {
    const create = () => clients.flytectl("create", "project", "--id", "p1", "--name", "P One", "--labels", "a=b");
    const first = await create();
    expect(first, first.output).toMatchObject({ code: 0 });
    const second = await create();
    expect(second.code).toBe(1);
    expect(second.output).toContain("AlreadyExists");
    const shown = await clients.flytectl("get", "project", "p1", "-o", "yaml");
    expect(shown.stdout).toMatch(/labels:\s+values:\s+a: b/);
  });

  test("C1.4 an archived project is hidden and refuses registration until it is activated", async () => {
    const update = (flag: string) => clients.flytectl("update", "project", "--id", "p4", flag, "--force");
    await clients.flytectl("create", "project", "--id", "p4", "--name", "P Four");
    const base = echoTask("project.echo");
    const task = { ...base, id: base.id && { ...base.id, project: "p4" } };

    expect((await update("--archive")).code).toBe(0);
    expect((await clients.flytectl("get", "projects")).output).not.toContain("p4");
    const refusal = ConnectError.from(await admin.createTask(task).catch((error: unknown) => error));
    expect(refusal.message).toContain("p4");
    expect([Code.FailedPrecondition, Code.InvalidArgument]).toContain(refusal.code);

    expect((await update("--activate")).code).toBe(0);
    expect((await clients.flytectl("get", "projects")).output).toContain("p4");
    await admin.createTask(task);
  });

  test("C1.5 FlyteRemote sees three domains", async () => {
    const remote = await clients.remote();
    expect(await remote.run("result = sorted(domain.id for domain in remote.get_domains())")).toEqual([
      "development",
      "production",
      "staging",
    ]);
  });

  test("C1.6 the REST paths answer snake_case JSON, and protobuf when asked", async () => {
    expect((await fetch(`${skein.url}/healthcheck`)).status).toBe(200);
    const projects = await fetch(`${skein.url}/api/v1/projects`);
    expect(projects.status).toBe(200);
    const body = (await projects.json()) as { projects: { id: string; domains: { id: string }[] }[] };
    expect(body.projects.find(({ id }) => id === "flytesnacks")?.domains.map(({ id }) => id)).toContain("staging");
    const version = (await (await fetch(`${skein.url}/api/v1/version`)).json()) as Record<string, unknown>;
    expect(Object.keys(version)).toEqual(["control_plane_version"]);
    const binary = await fetch(`${skein.url}/api/v1/projects`, { headers: { accept: "application/octet-stream" } });
    expect(binary.headers.get("content-type")).toContain("application/octet-stream");
    expect(Buffer.from(await binary.arrayBuffer()).includes("flytesnacks")).toBe(true);
  });

  test("C1.7 gRPC over h2c and HTTP/1.1 answer on one plaintext port", async () => {
    const [overGrpc, overHttp] = await Promise.all([
      admin.listProjects({ limit: 10 }),
      fetch(`${skein.url}/api/v1/projects`),
    ]);
    expect(overGrpc.projects.map(({ id }) => id)).toContain("flytesnacks");
    expect(overHttp.ok).toBe(true);
  });

  test("C1.8 a method that does not exist is UNIMPLEMENTED, never UNKNOWN", async () => {
    expect(await callUnknownMethod(skein.url)).toBe("12");
  });
});
