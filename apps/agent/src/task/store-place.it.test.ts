import { mkdir, writeFile } from "node:fs/promises";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ClaimGrant } from "@skein/contracts";
import { toBytes } from "@skein/idl";
import { DynamicJobSpecSchema, ErrorDocumentSchema, LiteralMapSchema, TaskTemplateSchema } from "@skein/idl/core";
import { openStorage, type Storage } from "@skein/storage";
import { openLogger } from "@skein/telemetry";
import {
  createTempFolder,
  INSTALL_VERSITYGW,
  integerInputs,
  requireTool,
  startS3,
  type TestS3,
  waitFor,
} from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AttemptFolder } from "../ledger/attempt-folder.ts";
import { DeckShipper } from "../link/deck-shipper.ts";
import type { Exit, Launch } from "../runtimes/runtime.ts";
import { collect } from "./collect.ts";
import { prepareLaunch } from "./prepare-launch.ts";
import { storePlace } from "./store-place.ts";

const hasServer = requireTool("versitygw", INSTALL_VERSITYGW) !== undefined;
const EXITED: Exit = { type: "exited", code: 0 };
const OUTPUTS = {
  outputs: { variables: { o0: { type: { type: { case: "simple" as const, value: 1 } } } } },
};

type Template = MessageInitShape<typeof TaskTemplateSchema>;

const mapBytes = (values: Readonly<Record<string, number | readonly number[]>>) =>
  toBytes(LiteralMapSchema, create(LiteralMapSchema, integerInputs(values)));
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const errorOf = (code: string) =>
  toBytes(ErrorDocumentSchema, create(ErrorDocumentSchema, { error: { code, message: "bad" } }));

describe.skipIf(!hasServer)("a task that finds its data in the object store", () => {
  const temp = createTempFolder("store-place");
  let server: TestS3;
  let storage: Storage;
  let attempts = 0;

  beforeAll(async () => {
    server = await startS3();
    const s3 = { endpoint: server.endpoint, region: server.region, credentials: server };
    storage = await openStorage({ uri: `s3://${server.bucket}/root`, s3 });
  });
  afterAll(async () => {
    storage?.close();
    await server?.close();
    await temp.close();
  });

  const newFolder = async (): Promise<AttemptFolder> => {
    attempts += 1;
    const runId = `01990000-0000-7000-8000-${String(attempts).padStart(12, "0")}`;
    const folder = new AttemptFolder(temp.path, { runId, ordinal: 2, attempt: 1 });
    await mkdir(folder.path);
    return folder;
  };
  const grantOf = ({ id }: AttemptFolder, template: Template, change: Partial<ClaimGrant> = {}): ClaimGrant => ({
    taskTemplate: base64(toBytes(TaskTemplateSchema, create(TaskTemplateSchema, template))),
    inputs: { data: base64(mapBytes({ x: 41 })) },
    org: "",
    project: "p",
    domain: "d",
    runName: "run1",
    actionName: "n0",
    workflowKey: "p:d:w",
    environment: {},
    outputPrefix: storage.join("meta", id.runId, "n0", "1"),
    rawOutputPrefix: storage.join("raw", "ab", `${id.runId}-n0-1`),
    previousCheckpointPrefix: null,
    arrayIndex: null,
    platform: null,
    secrets: [],
    storeCredentials: null,
    labels: {},
    annotations: {},
    interruptible: false,
    timeoutMs: 0,
    ...change,
  });
  const container = (args: string[] = []) => ({ case: "container" as const, value: { image: "one:1", args } });

  const launch = async (target: Template["target"], change: Partial<ClaimGrant> = {}) => {
    const folder = await newFolder();
    const grant = grantOf(folder, { type: "raw", ...(target ? { target } : {}) }, change);
    const settings = { place: storePlace(storage), store: undefined, apiUrl: "http://api", base: () => ({}) };
    return { folder, grant, launch: (await prepareLaunch(folder, grant, settings)) as Launch };
  };

  test("reads its inputs and its template there, under the names that its command asks for", async () => {
    const words = ["{{.input}}", "{{.inputPrefix}}", "{{.outputPrefix}}", "{{.rawOutputDataPrefix}}"];
    const more = ["{{.checkpointOutputPrefix}}", "{{.prevCheckpointPrefix}}", "{{.taskTemplatePath}}", "{{.inputs.x}}"];
    const previousCheckpointPrefix = storage.join("raw", "old", "_flytecheckpoints");
    const started = await launch(container([...words, ...more]), { previousCheckpointPrefix });
    const { outputPrefix: out, rawOutputPrefix: raw, taskTemplate } = started.grant;
    const places = [`${out}/inputs.pb`, out, out, raw, `${raw}/_flytecheckpoints`, previousCheckpointPrefix];
    expect(started.launch.args).toEqual([...places, `${out}/task.pb`, "41"]);
    expect(base64(await storage.get(`${out}/inputs.pb`))).toBe(base64(mapBytes({ x: 41 })));
    expect(base64(await storage.get(`${out}/task.pb`))).toBe(taskTemplate);
    expect(started.launch).toMatchObject({ mounts: {}, readable: [], writable: [] });
    expect(started.launch.environment).not.toHaveProperty("PYTHONPATH");
  });

  test("shares inputs that many attempts have, without a copy", async () => {
    const uri = storage.join("meta", "shared-inputs", "7.pb");
    await storage.put(uri, mapBytes({ x: 5 }));
    const inputs = { uri, sizeBytes: 10 };
    const { launch: started, grant } = await launch(container(["{{.input}}", "{{ .Inputs.x }}"]), { inputs });
    expect(started.args).toEqual([uri, "5"]);
    expect(await storage.head(`${grant.outputPrefix}/inputs.pb`)).toBeUndefined();
  });

  test("has its inputs as a file only if somebody reads it", async () => {
    const isWritten = async (target: Template["target"]) =>
      (await storage.head(`${(await launch(target)).grant.outputPrefix}/inputs.pb`)) !== undefined;
    const copilot = { case: "container" as const, value: { dataConfig: { enabled: true } } };
    const targets = [container(["{{.inputs.x}}"]), container(["{{ $.inputPrefix }}"]), copilot];
    expect(await Promise.all(targets.map(isWritten))).toEqual([false, true, true]);
  });

  test("keeps its code where its image has it, not in the folder of an attempt elsewhere", async () => {
    const foreign = "/home/a/attempts/01990000-0000-7000-8000-000000000001.2.0/work";
    const args = ["--dest-dir", "/root", "--dest-dir", foreign, "--dest-dir", "."];
    const { launch: started } = await launch(container(args));
    expect(started.args).toEqual(["--dest-dir", "/root", "--dest-dir", ".", "--dest-dir", "."]);
  });

  test("may be a pod, whose containers all get their words filled in", async () => {
    const side = { name: "side", args: ["{{.outputPrefix}}", "{{.inputs.x}}"] };
    const containers = [side, { name: "main", image: "one:1", command: ["run", "{{.input}}"] }];
    const value = { podSpec: { containers }, primaryContainerName: "main" };
    const { launch: started, grant } = await launch({ case: "k8sPod", value });
    expect(started).toMatchObject({ image: "one:1", command: ["run", `${grant.outputPrefix}/inputs.pb`], args: [] });
    expect(started.render(side.args)).toEqual([grant.outputPrefix, "41"]);
  });

  const collected = async (
    files: Readonly<Record<string, Uint8Array>>,
    { exit = EXITED, template = {}, arrayIndex = null }: Partial<Collecting> = {},
  ) => {
    const folder = await newFolder();
    await folder.prepare();
    await writeFile(folder.log, "last words\n");
    const { type = "python-task", target = container() } = template;
    const grant = grantOf(folder, { type, target, interface: OUTPUTS });
    for (const [name, bytes] of Object.entries(files)) await storage.put(`${grant.outputPrefix}/${name}`, bytes);
    const options = { place: storePlace(storage), outputBytesMax: 1_000_000, startedAtMs: 1, endedAtMs: 2 };
    const outcome = await collect(folder, exit, { ...options, grant: { ...grant, arrayIndex } });
    return { outcome, prefix: grant.outputPrefix };
  };
  interface Collecting {
    readonly exit: Exit;
    readonly template: Pick<Template, "type" | "target">;
    readonly arrayIndex: number | null;
  }

  test("leaves small outputs for the report, large ones where they lie, and its deck", async () => {
    const small = mapBytes({ o0: 42 });
    const inline = await collected({ "outputs.pb": small, "deck.html": Buffer.from("<p>") });
    const deckUri = `${inline.prefix}/deck.html`;
    expect(inline.outcome).toMatchObject({ type: "succeeded", outputs: { data: base64(small) }, deckUri });
    const large = mapBytes({ o0: Array.from({ length: 20_000 }, (_, at) => at) });
    const { outcome, prefix } = await collected({ "outputs.pb": large });
    const uri = `${prefix}/outputs.pb`;
    expect(outcome).toMatchObject({ type: "succeeded", outputs: { uri, sizeBytes: large.length } });
    expect(base64(await storage.get(uri))).toBe(base64(large));
    const item = await collected({ "3/outputs.pb": small }, { template: { type: "container_array" }, arrayIndex: 3 });
    expect(item.outcome).toMatchObject({ type: "succeeded", outputs: { data: base64(small) } });
  });

  test("shows a deck that it stored while it still runs", async () => {
    const folder = await newFolder();
    const grant = grantOf(folder, { type: "python-task", metadata: { generatesDeck: true } });
    const decks = new DeckShipper(storage, openLogger({ name: "agent", level: "silent" }));
    decks.follow(folder, grant, false);
    await storage.put(`${grant.outputPrefix}/deck.html`, Buffer.from("<p>"));
    await waitFor(() => decks.unannounced.length > 0, { timeoutMs: 20_000 });
    expect(decks.unannounced).toEqual([folder.id]);
    decks.announced([folder.id]);
    expect(decks.unannounced).toEqual([]);
    await decks.release(folder);
    decks.close();
  });

  test("may leave a workflow, which stays where it lies", async () => {
    const spec = create(DynamicJobSpecSchema, { nodes: [{ id: "n0" }], tasks: [{ target: container(["/root"]) }] });
    const bytes = toBytes(DynamicJobSpecSchema, spec);
    const { outcome, prefix } = await collected({ "futures.pb": bytes });
    const futures = { uri: `${prefix}/futures.pb`, sizeBytes: bytes.length };
    expect(outcome).toMatchObject({ type: "succeeded", outputs: { data: "" }, futures });
    expect(base64(await storage.get(futures.uri))).toBe(base64(bytes));
  });

  test("fails by what it wrote, by what its runtime knows, or for want of outputs, in this order", async () => {
    const failure = { code: "Evicted", message: "low on memory", kind: "system" as const, recoverable: true };
    const exit: Exit = { type: "failed", failure };
    const outputs = mapBytes({ o0: 42 });
    const both = await collected({ "error.pb": errorOf("USER:Bad"), "outputs.pb": outputs }, { exit });
    expect(both.outcome).toMatchObject({ type: "failed", failure: { code: "USER:Bad" } });
    expect((await collected({ "outputs.pb": outputs }, { exit })).outcome).toMatchObject({ type: "succeeded" });
    expect((await collected({}, { exit })).outcome).toMatchObject({ type: "failed", failure });
    const missing = { code: "OutputsNotFound", message: expect.stringContaining("last words") };
    expect((await collected({})).outcome).toMatchObject({ type: "failed", failure: missing });
    const broken = await collected({ "outputs.pb": Buffer.from([0xff]) });
    expect(broken.outcome).toMatchObject({ type: "failed", failure: { code: "OutputsInvalid" } });
    const huge = await collected({ "outputs.pb": Buffer.alloc(1_000_001) });
    expect(huge.outcome).toMatchObject({ type: "failed", failure: { code: "OutputSizeExceeded" } });
  });

  test("as a raw container it has outputs only if it ended well, and copilot's complaint never hides why it did not", async () => {
    const template = { target: { case: "container" as const, value: { dataConfig: { enabled: true } } } };
    const raw = (files: Readonly<Record<string, Uint8Array>>, exit: Exit = EXITED) =>
      collected(files, { exit, template });
    const [outputs, upload] = [mapBytes({ o0: 42 }), errorOf("OutputUploadFailed")];
    const code1: Exit = { type: "exited", code: 1 };
    expect((await raw({ "outputs.pb": outputs })).outcome).toMatchObject({ type: "succeeded" });
    const complaint = await raw({ "error.pb": upload });
    expect(complaint.outcome).toMatchObject({ type: "failed", failure: { code: "OutputUploadFailed" } });
    for (const files of [{ "error.pb": upload }, { "outputs.pb": outputs }, {}]) {
      expect((await raw(files, code1)).outcome).toMatchObject({ type: "failed", failure: { code: "NonZeroExit" } });
    }
    const own = await raw({ "error.pb": errorOf("UserError") }, code1);
    expect(own.outcome).toMatchObject({ type: "failed", failure: { code: "UserError" } });
  });
});

test("files of this machine cannot serve pods, and that is said at the start", async () => {
  const folder = createTempFolder("store-place-files");
  const storage = await openStorage({ uri: `file://${folder.path}` });
  const message = expect.stringContaining("SKEIN_RUNTIME=kubernetes needs an object store");
  expect(() => storePlace(storage)).toThrow(expect.objectContaining({ reason: "storage_not_shared", message }));
  storage.close();
  await folder.close();
});
