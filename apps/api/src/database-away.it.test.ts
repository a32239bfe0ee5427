import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { AdminService } from "@skein/idl/service";
import { createTestDatabase, TEST_TENANT, type TestDatabase, waitFor } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi, type TestApi } from "./testing/start-test-api.ts";

/** A way to Postgres that can be cut and mended. */
class Line {
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  constructor(target: string) {
    this.#target = new URL(target);
  }

  async open(): Promise<string> {
    this.#server = createServer((near) => {
      const far = connect(Number(this.#target.port || 5432), this.#target.hostname);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.on("error", () => to.destroy());
        from.on("close", () => to.destroy());
        from.pipe(to);
      }
    });
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
    const url = new URL(this.#target);
    url.host = `127.0.0.1:${this.#port}`;
    return url.href;
  }

  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
    await closed;
  }
}

let database: TestDatabase;
let line: Line;
let api: TestApi;
beforeAll(async () => {
  database = await createTestDatabase();
  line = new Line(database.url);
  api = await startTestApi({ databaseUrl: await line.open() });
});
afterAll(async () => {
  await api.close();
  await line.cut();
  await database.close();
});

async function answers() {
  const admin = createClient(AdminService, createGrpcTransport({ baseUrl: api.url }));
  const grpc = await admin.listProjects({}).then(
    () => "answered",
    (error: unknown) => {
      const { code, rawMessage } = ConnectError.from(error);
      return `${Code[code]}: ${rawMessage}`;
    },
  );
  const input = encodeURIComponent(JSON.stringify(TEST_TENANT));
  const rest = await fetch(`${api.url}/api/v1/projects`);
  const trpc = await fetch(`${api.url}/trpc/runs.list?input=${input}`);
  const text = `${await rest.text()} ${await trpc.text()}`;
  return { grpc, rest: rest.status, trpc: trpc.status, text };
}

test("while Postgres is away every transport says so, and all answer again once it is back", async () => {
  expect(await answers()).toMatchObject({ grpc: "answered", rest: 200, trpc: 200 });
  await line.cut();
  for (let round = 0; round < 3; round += 1) {
    const away = await answers();
    expect(away).toMatchObject({ grpc: expect.stringMatching(/^Unavailable: /), rest: 503, trpc: 503 });
    expect(`${away.grpc} ${away.text}`).not.toMatch(/select|ECONN|127\.0\.0\.1|\/src\//);
  }
  const isReady = async () => (await fetch(`${api.url}/readyz`)).status === 200;
  await waitFor(async () => !(await isReady()), { what: "the api to be not ready" });
  await line.open();
  await waitFor(isReady, { what: "the api to be ready" });
  expect(await answers()).toMatchObject({ grpc: "answered", rest: 200, trpc: 200 });
});
