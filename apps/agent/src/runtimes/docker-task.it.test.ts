import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ClaimGrant, Outcome } from "@skein/contracts";
import { fromBytes, toBytes } from "@skein/idl";
import { LiteralMapSchema, Resources_ResourceName, SimpleType, TaskTemplateSchema } from "@skein/idl/core";
import { openStorage, type Storage } from "@skein/storage";
import { createTempFolder, integerInputs } from "@skein/testing";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { AttemptFolder } from "../ledger/attempt-folder.ts";
import { collect } from "../task/collect.ts";
import { folderPlace } from "../task/folder-place.ts";
import { seenFromContainer } from "../task/platform.ts";
import { prepareLaunch } from "../task/prepare-launch.ts";
import { canRunContainers, DOCKER_HOST, importBusybox } from "./busybox-image.testsuite.ts";
import { type DockerSettings, openDockerRuntime } from "./docker.ts";
import type { Runtime } from "./runtime.ts";

const IMAGE = `skein-test-busybox:task${process.pid}`;
const OWNED_IMAGE = `skein-test-busybox:owned${process.pid}`;
const PATH = { key: "PATH", value: "/bin" };
const AGENT = `${process.getuid?.()}:${process.getgid?.()}`;
const MADE = AGENT === "0:0" ? "65532:65532" : AGENT;

interface Ran {
  readonly folder: AttemptFolder;
  readonly outcome: Outcome;
  readonly log: string;
}

describe.skipIf(!canRunContainers)("a task in a container", () => {
  const temp = createTempFolder("docker-task");
  const images: { remove(): Promise<void> }[] = [];
  const ends: (() => Promise<void>)[] = [];
  let storage: Storage;
  let runs = 0;

  beforeAll(async () => {
    storage = await openStorage({ uri: `file://${temp.path}/storage` });
    images.push(await importBusybox(IMAGE), await importBusybox(OWNED_IMAGE, "USER 4321:8765"));
  });
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });
  afterAll(async () => {
    for (const image of images) await image.remove();
    await temp.close();
  });

  const open = async (change: Partial<DockerSettings>): Promise<Runtime> => {
    const fixed = { host: DOCKER_HOST, agentId: `test-${process.pid}`, authFile: undefined, network: "none" };
    return openDockerRuntime({ ...fixed, pull: "Never", user: "auto", hasReadOnlyRoot: false, ...change });
  };
  const newFolder = async (): Promise<AttemptFolder> => {
    const runId = `01990000-0000-7000-8000-${String(process.pid * 1000 + ++runs).padStart(12, "0")}`;
    const folder = new AttemptFolder(join(temp.path, "attempts"), { runId, ordinal: 2, attempt: 0 });
    await mkdir(folder.path, { recursive: true, mode: 0o700 });
    return folder;
  };
  const grantOf = (template: MessageInitShape<typeof TaskTemplateSchema>, inputs: Uint8Array): ClaimGrant => ({
    taskTemplate: Buffer.from(toBytes(TaskTemplateSchema, create(TaskTemplateSchema, template))).toString("base64"),
    inputs: { data: Buffer.from(inputs).toString("base64") },
    org: "",
    project: "p",
    domain: "d",
    runName: `run${runs}`,
    actionName: "n0",
    workflowKey: "p:d:w",
    environment: {},
    outputPrefix: storage.join("meta", `run${runs}`),
    rawOutputPrefix: storage.join("raw", `run${runs}`),
    previousCheckpointPrefix: null,
    arrayIndex: null,
    platform: null,
    secrets: [],
    storeCredentials: null,
    labels: {},
    annotations: {},
    interruptible: false,
    timeoutMs: 0,
  });
  /** All that an agent does between a grant and a report. */
  const run = async (
    template: MessageInitShape<typeof TaskTemplateSchema>,
    settings: Partial<DockerSettings> = {},
    inputs: Uint8Array = new Uint8Array(),
    { apiUrl = "http://api", ...granted }: Partial<ClaimGrant> & { readonly apiUrl?: string } = {},
  ): Promise<Ran> => {
    const runtime = await open(settings);
    const folder = await newFolder();
    ends.push(async () => {
      await runtime.cleanup(folder);
      await runtime.close();
    });
    const grant = { ...grantOf(template, inputs), ...granted };
    const base = () => ({});
    const place = folderPlace({ storage, canMount: true });
    const launch = await prepareLaunch(folder, grant, { place, store: undefined, apiUrl, base });
    expect(await runtime.start(launch)).toBeUndefined();
    const exit = await runtime.watch(folder);
    const limits = { outputBytesMax: 1_000_000, startedAtMs: 0, endedAtMs: 0 };
    const outcome = await collect(folder, exit, { place, grant, ...limits });
    return { folder, outcome, log: await readFile(folder.log, "utf8") };
  };
  const script = (text: string, image = IMAGE): MessageInitShape<typeof TaskTemplateSchema> => {
    const args = [text, "{{.outputPrefix}}", "{{.rawOutputDataPrefix}}"];
    const value = { image, command: ["sh", "-c"], args, env: [PATH] };
    return { type: "raw-container", target: { case: "container", value } };
  };

  test.each([
    ["auto", "an image without a user", IMAGE, MADE],
    ["auto", "an image with one", OWNED_IMAGE, "4321:8765"],
    ["image", "an image without a user", IMAGE, "0:0"],
    ["image", "an image with one", OWNED_IMAGE, "4321:8765"],
    ["1234:5678", "an image with a user", OWNED_IMAGE, "1234:5678"],
  ])("with SKEIN_DOCKER_USER=%s and %s writes all its places", async (user, _, image, expected) => {
    const words = "echo $(id -u):$(id -g); for place in $0 $1 /tmp; do echo words >$place/deck.html || exit 1; done";
    const { outcome, log, folder } = await run(script(words, image), { user });
    expect(log).toBe(`${expected}\n`);
    expect(outcome).toMatchObject({ type: "succeeded", deckUri: storage.join("meta", `run${runs}`, "deck.html") });
    expect(Buffer.from(await storage.get(storage.join("raw", `run${runs}`, "deck.html"))).toString()).toBe("words\n");
    expect(statSync(join(folder.out, "deck.html")).uid).toBe(Number(expected.split(":")[0]));
  });

  test("whose account is made up owns its folders and is at home in them", async () => {
    const { log, folder } = await run(script("echo $HOME; touch $HOME/x && ls -ldn $0 $HOME /tmp"));
    const [home, ...folders] = log.trim().split("\n");
    expect(home).toBe(folder.work);
    expect(existsSync(join(folder.work, "x"))).toBe(true);
    const owner = MADE.replace(":", " +");
    expect(folders).toEqual(Array(3).fill(expect.stringMatching(new RegExp(`^drwx\\S+ +\\d+ ${owner} `))));
  });

  test("has the shared memory that it asks for", async () => {
    const extendedResources = { sharedMemory: { sizeLimit: "12Mi" } };
    const template = create(TaskTemplateSchema, {
      ...script("grep /dev/shm /proc/mounts"),
      extendedResources,
    } as object);
    const { log } = await run(template);
    expect(log).toContain("size=12288k");
  });

  test("that asks for GPUs is told when there are none", async () => {
    const template = script("true");
    const requests = [{ name: Resources_ResourceName.GPU, value: "1" }];
    if (template.target?.case === "container") template.target.value.resources = { requests };
    const [runtime, folder] = [await open({}), await newFolder()];
    const grant = grantOf(template, new Uint8Array());
    const place = folderPlace({ storage, canMount: true });
    const settings = { place, store: undefined, apiUrl: "http://api", base: () => ({}) };
    const failure = await runtime.start(await prepareLaunch(folder, grant, settings));
    await runtime.cleanup(folder);
    await runtime.close();
    expect(failure).toMatchObject({ code: "GpuUnavailable", kind: "system", recoverable: true });
    expect(failure?.message).toMatch(/^The task asks for GPUs .*NVIDIA container toolkit/);
  });

  test("whose account is made up has the home that the task names", async () => {
    const template = script("echo $HOME");
    if (template.target?.case === "container") template.target.value.env = [PATH, { key: "HOME", value: "/tmp" }];
    expect((await run(template)).log).toBe("/tmp\n");
  });

  test("with a read-only root writes its own places and nothing else", async () => {
    const words = "touch /bin/x 2>/dev/null || echo refused; touch $0/x $1/x /tmp/x && echo written";
    const { log } = await run(script(words), { hasReadOnlyRoot: true, user: "image" });
    expect(log).toBe("refused\nwritten\n");
  });

  test("that is a client reaches a server of this machine, with its token", async () => {
    const server = createServer((_request, response) => void response.end("served\n")).listen(0, "0.0.0.0");
    await once(server, "listening");
    ends.push(async () => void server.close());
    const { port } = server.address() as AddressInfo;
    const words = "wget -qO- http://$FLYTE_PLATFORM_URL/; echo $SKEIN_RUN_TOKEN";
    const apiUrl = seenFromContainer(`http://127.0.0.1:${port}`);
    const network = { network: "bridge" };
    const { log } = await run(script(words), network, undefined, { apiUrl, platform: { token: "t" } });
    expect(log).toBe("served\nt\n");
  });

  describe("that knows nothing of Flyte", () => {
    const integer = { type: { type: { case: "simple" as const, value: SimpleType.INTEGER } } };
    const inputs = toBytes(LiteralMapSchema, create(LiteralMapSchema, integerInputs({ x: 41 })));
    const counting = (text: string, dataConfig: object): MessageInitShape<typeof TaskTemplateSchema> => {
      const value = { image: IMAGE, command: ["sh", "-c", text], env: [PATH], dataConfig };
      const template = { type: "raw-container", target: { case: "container" as const, value } };
      return { ...template, interface: { outputs: { variables: { y: integer } } } };
    };

    test("reads its inputs from files and leaves its outputs as files", async () => {
      const text =
        "grep -q 41 /var/flyte/inputs/inputs.json && echo $(($(cat /var/flyte/inputs/x) + 1)) >/var/flyte/outputs/y";
      const { outcome } = await run(counting(text, { enabled: true }), {}, inputs);
      expect(outcomeLiterals(outcome)).toEqual(create(LiteralMapSchema, integerInputs({ y: 42 })));
    });

    test("finds them where its own configuration says, and cannot change its inputs", async () => {
      const text = "touch /in/evil 2>/dev/null || cp /in/x /results/y";
      const places = { enabled: true, inputPath: "/in", outputPath: "/results" };
      const { outcome } = await run(counting(text, places), {}, inputs);
      expect(outcomeLiterals(outcome)).toEqual(create(LiteralMapSchema, integerInputs({ y: 41 })));
    });

    test("fails when a declared output is missing", async () => {
      const { outcome } = await run(counting("true", { enabled: true }), {}, inputs);
      expect(outcome).toMatchObject({ type: "failed", failure: { message: expect.stringContaining("y is missing") } });
    });
  });
});

function outcomeLiterals(outcome: Outcome) {
  if (outcome.type !== "succeeded" || !("data" in outcome.outputs)) throw new Error(JSON.stringify(outcome));
  return fromBytes(LiteralMapSchema, Buffer.from(outcome.outputs.data, "base64"));
}
