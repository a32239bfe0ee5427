import { once } from "node:events";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { connect as connectTcp } from "node:net";
import { Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { AdminService } from "@skein/idl/service";
import { afterEach, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../testing/start-test-api.ts";
import { openOnePort } from "./one-port.ts";

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
});

async function start(overrides: Parameters<typeof startTestApi>[0] = {}): Promise<TestApi> {
  const api = await startTestApi(overrides);
  closers.push(() => api.close());
  return api;
}

function openSession(url: string): ClientHttp2Session {
  const session = connect(url);
  closers.push(() => session.destroy());
  return session;
}

/** One gRPC call as bytes, and the trailers (or trailers-only headers) that came back. */
async function rawCall(
  session: ClientHttp2Session,
  path: string,
  message: Uint8Array,
): Promise<Record<string, string>> {
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
  });
  const seen: Record<string, string> = {};
  stream.on("response", (headers) => Object.assign(seen, headers));
  stream.on("trailers", (trailers) => Object.assign(seen, trailers));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([prefix, message]));
  stream.resume();
  await once(stream, "close");
  return seen;
}

const path = (method: string, service: string = AdminService.typeName): string => `/${service}/${method}`;

test("a broken message is the caller's fault, and says so", async () => {
  const session = openSession((await start()).url);
  const trailers = await rawCall(session, path("CreateTask"), Buffer.from([0x0a, 0xff, 0xff]));
  expect(trailers["grpc-status"]).toBe(String(Code.InvalidArgument));
  expect(decodeURIComponent(trailers["grpc-message"] ?? "")).toContain("not a valid message");
});

test("a method or service that does not exist is unimplemented", async () => {
  const session = openSession((await start()).url);
  for (const unknown of [path("NoSuch"), path("Check", "no.such.Service"), "/", "/%"]) {
    expect((await rawCall(session, unknown, Buffer.alloc(0)))["grpc-status"]).toBe(String(Code.Unimplemented));
  }
});

test("a message over the limit is refused and the connection lives on", async () => {
  const session = openSession((await start({ messageBytesMax: 10_000 })).url);
  const trailers = await rawCall(session, path("CreateTask"), Buffer.alloc(20_000));
  expect(trailers["grpc-status"]).toBe(String(Code.ResourceExhausted));
  expect((await rawCall(session, path("GetVersion"), Buffer.alloc(0)))["grpc-status"]).toBe("0");
});

test("pings without calls are answered, however many", async () => {
  const session = openSession((await start()).url);
  await once(session, "connect");
  const ping = () => new Promise((resolve, reject) => session.ping((error) => (error ? reject(error) : resolve(true))));
  for (let count = 0; count < 50; count += 1) expect(await ping()).toBe(true);
  expect((await rawCall(session, path("GetVersion"), Buffer.alloc(0)))["grpc-status"]).toBe("0");
});

test("a stopping server says goodbye to idle sessions and closes at once", async () => {
  const api = await startTestApi();
  const session = openSession(api.url);
  await once(session, "connect");
  const goodbye = once(session, "goaway");
  const kept = await fetch(`${api.url}/healthz`);
  await kept.text();
  const before = performance.now();
  await api.close();
  expect(performance.now() - before).toBeLessThan(5_000);
  expect((await goodbye)[0]).toBe(constants.NGHTTP2_NO_ERROR);
});

test("running calls end before the server does", async () => {
  const release = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const port = await openOnePort({
    host: "127.0.0.1",
    ports: [0],
    http1: async (_request, response) => {
      started.resolve();
      await release.promise;
      response.end("done");
    },
    http2: (_request, response) => response.end(),
  });
  const answer = fetch(`http://127.0.0.1:${port.ports[0]}/`);
  await started.promise;
  const closed = port.close(10_000);
  const before = performance.now();
  release.resolve();
  expect(await (await answer).text()).toBe("done");
  await closed;
  expect(performance.now() - before).toBeLessThan(5_000);
});

test("a connection that hangs is cut when the grace is over", async () => {
  const port = await openOnePort({
    host: "127.0.0.1",
    ports: [0],
    http1: () => {},
    http2: (_request, response) => response.end(),
  });
  const socket = connectTcp(port.ports[0] ?? 0, "127.0.0.1");
  await once(socket, "connect");
  socket.write("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
  const ended = once(socket, "close");
  await port.close(50);
  await ended;
});

test.each([
  ["nothing at all", ""],
  ["half of what tells the protocol", "P"],
  ["half of its headers", "GET / HTTP/1.1\r\n"],
  ["half of its body", "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\nab"],
])("a client that sends %s is not waited for", async (_what, text) => {
  const port = await openOnePort({
    host: "127.0.0.1",
    ports: [0],
    http1: (request) => request.resume(),
    http2: () => {},
    limits: { peekTimeoutMs: 100, headersTimeoutMs: 100, requestTimeoutMs: 200 },
  });
  closers.push(() => port.close(0));
  const socket = connectTcp(port.ports[0] ?? 0, "127.0.0.1");
  socket.write(text);
  socket.resume();
  await once(socket, "close");
});

test("a stream that opens and sends nothing is not waited for, and its session lives on", async () => {
  const port = await openOnePort({
    host: "127.0.0.1",
    ports: [0],
    http1: () => {},
    http2: (request, response) => request.on("end", () => response.end()),
    limits: { peekTimeoutMs: 100, headersTimeoutMs: 100, requestTimeoutMs: 100 },
  });
  closers.push(() => port.close(0));
  const session = openSession(`http://127.0.0.1:${port.ports[0]}`);
  const stream = session.request({ ":method": "POST", ":path": "/" }, { endStream: false });
  await once(stream, "close");
  const next = session.request({ ":path": "/" });
  next.resume();
  await once(next, "close");
  expect(session.closed).toBe(false);
});

test("a connection beyond the limit is closed, and the others live on", async () => {
  const port = await openOnePort({
    host: "127.0.0.1",
    ports: [0],
    http1: () => {},
    http2: (_request, response) => void response.end(),
    limits: { connectionsMax: 1 },
  });
  closers.push(() => port.close(0));
  const session = openSession(`http://127.0.0.1:${port.ports[0]}`);
  const first = session.request({ ":path": "/" });
  first.resume();
  await once(first, "close");
  const refused = connectTcp(port.ports[0] ?? 0, "127.0.0.1");
  refused.resume();
  await once(refused, "close");
  const next = session.request({ ":path": "/" });
  next.resume();
  await once(next, "close");
  expect(session.closed).toBe(false);
});

test("two ports answer alike", async () => {
  const api = await start({ grpcPort: 0 });
  expect(api.ports).toHaveLength(2);
  for (const port of api.ports) {
    const url = `http://127.0.0.1:${port}`;
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const admin = createClient(AdminService, createGrpcTransport({ baseUrl: url }));
    expect((await admin.getVersion({})).controlPlaneVersion).toBeDefined();
  }
});
