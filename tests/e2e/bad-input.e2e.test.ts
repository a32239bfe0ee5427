import { createHash } from "node:crypto";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import { ResourceType } from "@skein/idl/core";
import {
  type AdminClient,
  bindTo,
  chainOf,
  commandTask,
  echoTask,
  integerInputs,
  integerInterface,
  launchPlanOf,
  openAdminClient,
  register,
  TEST_TENANT,
  taskNode,
  testId,
  waitFor,
  workflowOf,
} from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningSkein, startSkein } from "./src/skein.ts";

let skein: RunningSkein;
let admin: AdminClient;
const task = echoTask("bad.echo");
const chain = chainOf("bad.chain", task, 1);

beforeAll(async () => {
  skein = await startSkein({ queue: "postgres", storage: "file", apis: 1, schedulers: 1, agents: 1 });
  admin = openAdminClient(skein.url);
  await register(admin, [task], [chain]);
});
afterAll(() => skein?.close());

async function refusal(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("the call was answered, not refused");
}

const launchPlan = testId(ResourceType.LAUNCH_PLAN, "bad.chain");
const execution = (spec: object, inputs: object | undefined = integerInputs({ x: 1 }), name = "") =>
  admin.createExecution({
    ...TEST_TENANT,
    name,
    spec: { launchPlan, ...spec },
    ...(inputs ? { inputs } : {}),
  });
const list = (changes: object) => admin.listExecutions({ id: TEST_TENANT, limit: 10, ...changes });
const text = (value: string) => ({
  literals: {
    x: {
      value: {
        case: "scalar" as const,
        value: { value: { case: "primitive" as const, value: { value: { case: "stringValue" as const, value } } } },
      },
    },
  },
});

const GRPC_CASES: readonly [name: string, call: () => Promise<unknown>, code: Code, message: RegExp][] = [
  ["a run name in capitals", () => execution({}, undefined, "ABC_1"), Code.InvalidArgument, /name/],
  ["a run name of 64 characters", () => execution({}, undefined, "a".repeat(64)), Code.InvalidArgument, /name.*63|63/s],
  ["a run name that is a path", () => execution({}, undefined, "../../etc"), Code.InvalidArgument, /name/],
  ["a run name with a quote", () => execution({}, undefined, "a'; drop table runs;--"), Code.InvalidArgument, /name/],
  ["a missing input", () => execution({}, { literals: {} }), Code.InvalidArgument, /\bx\b/],
  ["an unknown input", () => execution({}, integerInputs({ x: 1, y: 2 })), Code.InvalidArgument, /\by\b/],
  ["an input of the wrong type", () => execution({}, text("one")), Code.InvalidArgument, /\bx\b/],
  [
    "a launch plan that does not exist",
    () => execution({ launchPlan: testId(ResourceType.LAUNCH_PLAN, "bad.none") }),
    Code.NotFound,
    /bad\.none/,
  ],
  [
    "a workflow in the place of a launch plan",
    () => execution({ launchPlan: testId(ResourceType.WORKFLOW, "bad.chain") }),
    Code.InvalidArgument,
    /launch_plan|resource_type/i,
  ],
  ["no launch plan at all", () => execution({ launchPlan: undefined }), Code.InvalidArgument, /launch_plan/i],
  [
    "an unknown project",
    () =>
      admin.createExecution({
        ...TEST_TENANT,
        project: "nowhere",
        spec: { launchPlan },
        inputs: integerInputs({ x: 1 }),
      }),
    Code.InvalidArgument,
    /nowhere/,
  ],
  [
    "an unknown domain",
    () =>
      admin.createExecution({ ...TEST_TENANT, domain: "moon", spec: { launchPlan }, inputs: integerInputs({ x: 1 }) }),
    Code.InvalidArgument,
    /moon/,
  ],
  ["a list without a limit", () => list({ limit: 0 }), Code.InvalidArgument, /limit/],
  ["a token that is no number", () => list({ token: "next" }), Code.InvalidArgument, /token/],
  ["a negative token", () => list({ token: "-5" }), Code.InvalidArgument, /token/],
  ["a filter on an unknown column", () => list({ filters: "eq(colour,red)" }), Code.InvalidArgument, /colour/],
  ["a filter with an unknown function", () => list({ filters: "like(phase,FAILED)" }), Code.InvalidArgument, /like/],
  ["a filter that does not close", () => list({ filters: "eq(phase,FAILED" }), Code.InvalidArgument, /filter/i],
  [
    "SQL in a filter's field",
    () => list({ filters: 'eq(phase";drop table runs,1)' }),
    Code.InvalidArgument,
    /filter|phase/i,
  ],
  ["an unknown phase", () => list({ filters: "eq(phase,SLEEPING)" }), Code.InvalidArgument, /SLEEPING/],
  ["a time that is none", () => list({ filters: "gt(created_at,yesterday)" }), Code.InvalidArgument, /created_at/],
  ["an unknown sort key", () => list({ sortBy: { key: "colour" } }), Code.InvalidArgument, /colour/],
  ["SQL in a sort key", () => list({ sortBy: { key: "name; drop table runs" } }), Code.InvalidArgument, /sort/i],
  ["an unknown run", () => admin.getExecution({ id: { ...TEST_TENANT, name: "never" } }), Code.NotFound, /never/],
  [
    "an abort of an unknown run",
    () => admin.terminateExecution({ id: { ...TEST_TENANT, name: "never" }, cause: "x" }),
    Code.NotFound,
    /never/,
  ],
  [
    "a version that is not safe in a URL",
    () => admin.createTask(echoTask("bad.echo", "v?1")),
    Code.InvalidArgument,
    /version/,
  ],
  ["a task without a name", () => admin.createTask(echoTask("")), Code.InvalidArgument, /name/],
  [
    "a task without an image",
    () => admin.createTask(commandTask("bad.noimage", ["true"], { image: "" })),
    Code.InvalidArgument,
    /image/,
  ],
  [
    "the same version with another interface",
    async () => {
      const other = echoTask("bad.echo");
      if (other.spec?.template) other.spec.template.interface = integerInterface(["y"], ["y"]);
      return admin.createTask(other);
    },
    Code.InvalidArgument,
    /different structure/,
  ],
  [
    "a workflow over a task that nobody registered",
    () =>
      admin.createWorkflow(workflowOf("bad.lost", [taskNode("n0", echoTask("bad.missing"))], integerInterface([], []))),
    Code.InvalidArgument,
    /bad\.missing/,
  ],
  [
    "a workflow with a cycle",
    () =>
      admin.createWorkflow(
        workflowOf(
          "bad.cycle",
          [taskNode("a", task, [bindTo("x", "b", "x")]), taskNode("b", task, [bindTo("x", "a", "x")])],
          integerInterface([], []),
        ),
      ),
    Code.InvalidArgument,
    /[Cc]ycle/,
  ],
  [
    "a launch plan with a default for an input that is not there",
    () =>
      admin.createLaunchPlan(
        launchPlanOf(chain, { fixedInputs: { literals: integerInputs({ zzz: 1 }).literals } as never }),
      ),
    Code.InvalidArgument,
    /zzz/,
  ],
  [
    "a project id with a slash",
    () => admin.registerProject({ project: { id: "a/b", name: "x" } }),
    Code.InvalidArgument,
    /id/,
  ],
  [
    "a project that exists",
    () => admin.registerProject({ project: { id: TEST_TENANT.project, name: "x" } }),
    Code.AlreadyExists,
    /flytesnacks/,
  ],
  ["an RPC that is not served yet", () => admin.createNodeEvent({ requestId: "x" }), Code.Unimplemented, /./],
];

/** Sends bytes as the message of a gRPC call and answers the `grpc-status` that comes back. */
async function rawStatus(method: string, message: Buffer): Promise<string> {
  const session = connectHttp2(skein.url);
  const stream = session.request({
    ":method": "POST",
    ":path": `/flyteidl.service.AdminService/${method}`,
    "content-type": "application/grpc",
    te: "trailers",
  });
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  const answer = new Promise<string>((resolve, reject) => {
    const read = (headers: Record<string, unknown>) => {
      if (headers["grpc-status"] !== undefined) resolve(String(headers["grpc-status"]));
    };
    stream.on("response", read);
    stream.on("trailers", read);
    stream.on("error", reject);
    stream.on("end", () => reject(new Error("no grpc-status came")));
  });
  stream.end(Buffer.concat([prefix, message]));
  stream.resume();
  return answer.finally(() => session.destroy());
}

describe("over gRPC", () => {
  test.each(GRPC_CASES)("%s is refused", async (_name, call, code, message) => {
    const error = await refusal(call());
    expect(Code[error.code]).toBe(Code[code]);
    expect(error.rawMessage).toMatch(message);
  });

  test("a broken protobuf is an invalid argument", async () => {
    expect(await rawStatus("CreateTask", Buffer.from("0affffffff0f", "hex"))).toBe(String(Code.InvalidArgument));
  });

  test("an unknown method is unimplemented", async () => {
    expect(await rawStatus("Nothing", Buffer.alloc(0))).toBe(String(Code.Unimplemented));
  });

  test("a string of 10 MB is refused without harm", async () => {
    const error = await refusal(execution({}, undefined, "a".repeat(10_000_000)));
    expect([Code.InvalidArgument, Code.ResourceExhausted]).toContain(error.code);
    expect(error.rawMessage.length).toBeLessThan(32_000);
  });
});

const json = (path: string, init?: RequestInit) => fetch(`${skein.url}${path}`, init);
const post = (path: string, body: string, type = "application/json") =>
  json(path, { method: "POST", headers: { "content-type": type }, body });

const HTTP_CASES: readonly [name: string, call: () => Promise<Response>, status: number, body: RegExp][] = [
  ["an unknown REST path", () => json("/api/v1/nothing"), 404, /nothing|not found/i],
  ["broken JSON", () => post("/api/v1/tasks", "{"), 400, /JSON/i],
  ["an unknown JSON field", () => post("/api/v1/projects", '{"projct":{}}'), 400, /projct/],
  ["a broken binary body", () => post("/api/v1/tasks", "\u000a\u00ff\u00ff", "application/octet-stream"), 400, /./],
  ["a limit that is a word", () => json("/api/v1/executions/flytesnacks/development?limit=many"), 400, /limit/],
  ["an unknown run", () => json("/api/v1/executions/flytesnacks/development/never"), 404, /never/],
  ["a run name that climbs", () => json("/api/v1/executions/flytesnacks/development/..%2f..%2fetc"), 404, /./],
  ["a wrong method", () => json("/api/v1/executions/flytesnacks/development/x", { method: "PATCH" }), 404, /PATCH/],
  ["a tRPC path that is not there", () => json("/trpc/runs.nothing"), 404, /runs\.nothing/],
  ["tRPC input that is no JSON", () => json("/trpc/runs.list?input=%7B"), 400, /./],
  ["tRPC input without its fields", () => json("/trpc/runs.list?input=%7B%7D"), 400, /project/],
  ["an upload without a signature", () => json("/uploads/x", { method: "PUT", body: "x" }), 403, /sign/i],
  ["an agent call without a token", () => post("/trpc/agent.heartbeat", "{}"), 401, /./],
  ["a foreign Host header", () => foreignHost(), 403, /[Hh]ost/],
];

/** `fetch` forbids a Host header of one's own, so this one is written by hand. */
async function foreignHost(): Promise<Response> {
  const answer = await talk("GET /api/v1/projects HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  return new Response(body, { status: Number(head.split(" ")[1]) });
}

function talk(words: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(skein.port, "127.0.0.1", () => socket.write(words));
    let answer = "";
    socket.setEncoding("utf8");
    socket.on("data", (data) => {
      answer += data;
    });
    socket.on("end", () => resolve(answer));
    socket.on("error", reject);
  });
}

describe("over HTTP", () => {
  test.each(HTTP_CASES)("%s is refused", async (_name, call, status, body) => {
    const response = await call();
    expect(await response.text()).toMatch(body);
    expect(response.status).toBe(status);
  });

  test("a body over the limit is refused", async () => {
    const response = await post("/api/v1/tasks", `{"id":"${"x".repeat(40 * 1024 * 1024)}"}`).catch(() => undefined);
    if (response) expect([413, 429]).toContain(response.status);
  });

  test("an upload whose bytes do not match their MD5 stores nothing", async () => {
    const location = await json("/api/v1/dataproxy/artifact_urn", {
      method: "POST",
      body: JSON.stringify({
        ...TEST_TENANT,
        filename: "f.bin",
        content_md5: createHash("md5").update("right").digest("base64"),
      }),
      headers: { "content-type": "application/json" },
    });
    const { signed_url: signedUrl } = (await location.json()) as { signed_url: string };
    const put = (body: string) =>
      fetch(signedUrl, {
        method: "PUT",
        body,
        headers: { "content-md5": createHash("md5").update("right").digest("base64") },
      });
    expect((await put("wrong")).status).toBe(400);
    expect((await put("right")).status).toBe(200);
  });

  test("an upload to a changed path is refused", async () => {
    const location = await post(
      "/api/v1/dataproxy/artifact_urn",
      JSON.stringify({ ...TEST_TENANT, filename: "g.bin", filename_root: "root" }),
    );
    const { signed_url: signedUrl } = (await location.json()) as { signed_url: string };
    const middle = Math.floor(signedUrl.length - 60);
    const forged = `${signedUrl.slice(0, middle)}${signedUrl[middle] === "A" ? "B" : "A"}${signedUrl.slice(middle + 1)}`;
    expect((await fetch(forged, { method: "PUT", body: "x" })).status).toBe(403);
  });
});

describe("on the wire", () => {
  const opened: Socket[] = [];
  afterAll(() => {
    for (const socket of opened) socket.destroy();
  });
  const open = () =>
    new Promise<Socket>((resolve, reject) => {
      const socket = connect(skein.port, "127.0.0.1", () => resolve(socket));
      socket.on("error", reject);
      opened.push(socket);
    });

  test("two hundred silent and half-open clients do not keep others from being served", async () => {
    const silent = await Promise.all(Array.from({ length: 200 }, open));
    for (const socket of silent.slice(0, 50)) socket.write("PR");
    for (const socket of silent.slice(50, 100)) socket.write("POST /api/v1/tasks HTTP/1.1\r\nHost: localhost\r\n");
    for (const socket of silent.slice(100, 150)) socket.end();
    expect((await json("/healthz")).status).toBe(200);
    expect((await admin.getVersion({})).controlPlaneVersion).toBeDefined();
  });

  test("noise instead of a protocol ends the connection", async () => {
    const socket = await open();
    const ended = waitFor(async () => socket.destroyed || socket.readableEnded, { timeoutMs: 20_000, what: "the end" });
    socket.resume();
    socket.write(Buffer.from([0, 255, 3, 7, 13, 10, 13, 10]));
    await ended;
  });

  test("an HTTP/2 client that sends garbage frames does not end the server", async () => {
    const socket = await open();
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.resume();
    socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    socket.write(Buffer.alloc(512, 0xff));
    await closed;
    expect((await json("/healthz")).status).toBe(200);
  });
});

test("after all of this the server still runs workflows", async () => {
  const { id } = await execution({});
  const run = await waitFor(
    async () => {
      const answer = await admin.getExecution({ id: { ...TEST_TENANT, name: id?.name ?? "" } });
      return answer.closure?.phase === 4 ? answer : undefined;
    },
    { timeoutMs: 20_000, what: "the run to succeed" },
  );
  expect(run.spec?.launchPlan?.name).toBe("bad.chain");
});
