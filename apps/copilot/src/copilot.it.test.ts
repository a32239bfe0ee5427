import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { fromBytes, toBytes } from "@skein/idl";
import {
  BlobType_BlobDimensionality,
  ContainerError_Kind,
  ErrorDocumentSchema,
  ExecutionError_ErrorKind,
  type LiteralMap,
  LiteralMapSchema,
  SimpleType,
  TypedInterfaceSchema,
} from "@skein/idl/core";
import { openStorage, type Storage } from "@skein/storage";
import { createTempFolder, INSTALL_VERSITYGW, requireTool, startS3, type TestS3, waitFor } from "@skein/testing";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { bundleProgram, NODE_FLAGS } from "./bundle-program.ts";

const MIB = 1024 * 1024;
const isFull = process.env.SKEIN_TEST_FULL === "true";
const LARGE_BYTES = isFull ? 2048 * MIB : 64 * MIB;
const FILES = isFull ? 1_000 : 200;
const RSS_MAX_BYTES = 200 * MIB;
const TELL_MEMORY = 'data:text/javascript,process.on("exit",()=>console.error("peak",process.resourceUsage().maxRSS))';
const { SINGLE, MULTIPART } = BlobType_BlobDimensionality;

const hasServer = requireTool("versitygw", INSTALL_VERSITYGW) !== undefined;

describe.skipIf(!hasServer)("copilot", () => {
  const temp = createTempFolder("copilot-app");
  const children: ChildProcess[] = [];
  let server: TestS3;
  let bucket: Storage;
  let places = 0;

  beforeAll(async () => {
    await bundleProgram(join(temp.path, "copilot.cjs"));
    server = await startS3();
    bucket = await openStorage({
      uri: `s3://${server.bucket}`,
      s3: { endpoint: server.endpoint, credentials: server },
    });
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
  });
  afterAll(async () => {
    bucket?.close();
    await server?.close();
    await temp.close();
  });

  const newPlace = () => {
    places += 1;
    const folder = join(temp.path, `${places}`);
    mkdirSync(folder);
    return { folder, prefix: bucket.join("own", `${places}`), raw: bucket.join("raw", `${places}`) };
  };
  type Place = ReturnType<typeof newPlace>;

  const start = (...args: string[]) => {
    const program = [...NODE_FLAGS, "--import", TELL_MEMORY, join(temp.path, "copilot.cjs"), ...args];
    const child = spawn(process.execPath, program, {
      env: {
        PATH: process.env.PATH,
        SKEIN_STORAGE: bucket.join("own"),
        SKEIN_API_PORT: "tcp://a-cluster-sets-this:1",
        FLYTE_AWS_ENDPOINT: server.endpoint,
        FLYTE_AWS_ACCESS_KEY_ID: server.accessKeyId,
        FLYTE_AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    children.push(child);
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    const ended = once(child, "close").then(([code]: unknown[]) => {
      const peakBytes = Number(/peak (\d+)/.exec(said)?.[1]) * 1024;
      return { code, said, peakBytes };
    });
    const listens = () => waitFor(() => said.includes("Waiting"), { what: "the sidecar to listen for SIGTERM" });
    return { child, ended, listens };
  };
  const runDownload = async ({ folder, prefix }: Place, inputs: LiteralMap, ...more: string[]) => {
    await bucket.put(`${prefix}/inputs.pb`, toBytes(LiteralMapSchema, inputs));
    const flags = ["--from-remote", `${prefix}/inputs.pb`, "--to-output-prefix", prefix, "--to-local-dir", folder];
    return await start("download", ...flags, ...more).ended;
  };
  const startSidecar = ({ folder, prefix, raw }: Place, outputs: Record<string, object>, ...more: string[]) => {
    const types = Object.entries(outputs).map(([name, type]) => [name, { type: { type } }]);
    const declared = create(TypedInterfaceSchema, {
      outputs: { variables: Object.fromEntries(types) },
    } as MessageInitShape<typeof TypedInterfaceSchema>);
    const encoded = Buffer.from(toBytes(TypedInterfaceSchema, declared)).toString("base64");
    const flags = ["--to-raw-output", raw, "--to-output-prefix", prefix, "--from-local-dir", folder];
    return start("sidecar", ...flags, "--interface", encoded, ...more);
  };
  /** The program must listen before it is told, as it does in a pod where the task starts after it. */
  const tell = async ({ child, ended, listens }: ReturnType<typeof startSidecar>) => {
    await listens();
    child.kill("SIGTERM");
    return await ended;
  };
  const errorAt = async ({ prefix }: Place) =>
    fromBytes(ErrorDocumentSchema, await bucket.get(`${prefix}/error.pb`)).error;
  const blob = (uri: string, dimensionality: BlobType_BlobDimensionality) => ({
    value: {
      case: "scalar" as const,
      value: { value: { case: "blob" as const, value: { uri, metadata: { type: { dimensionality } } } } },
    },
  });
  const blobType = (dimensionality: BlobType_BlobDimensionality) => ({ case: "blob", value: { dimensionality } });
  const simple = (value: SimpleType) => ({ case: "simple", value });

  test("brings inputs, also from another place than its own, as the flags say", async () => {
    const place = newPlace();
    await bucket.put(bucket.join("elsewhere", "data.txt"), Buffer.from("from elsewhere"));
    const inputs = create(LiteralMapSchema, { literals: { file: blob(bucket.join("elsewhere", "data.txt"), SINGLE) } });
    const { code, said } = await runDownload(place, inputs, "--format", "YAML", "--file-input-layout", "NAMED_DIR");
    expect([code, said.replace(/peak \d+\n/, "")]).toEqual([0, ""]);
    expect(readFileSync(join(place.folder, "file", "data.txt"), "utf8")).toBe("from elsewhere");
    expect(readFileSync(join(place.folder, "inputs.yaml"), "utf8")).toBe(
      `file: ${join(place.folder, "file/data.txt")}\n`,
    );
  });

  test("writes why inputs cannot be brought", async () => {
    const place = newPlace();
    const inputs = create(LiteralMapSchema, { literals: { file: blob(bucket.join("no", "such"), SINGLE) } });
    expect((await runDownload(place, inputs)).code).toBe(1);
    expect(await errorAt(place)).toMatchObject({
      code: "InputDownloadFailed",
      message: expect.stringMatching(/no\/such/),
      kind: ContainerError_Kind.RECOVERABLE,
      origin: ExecutionError_ErrorKind.USER,
    });
  });

  test("stores nothing before it is told that the task is over", async () => {
    const place = newPlace();
    const sidecar = startSidecar(place, { n: simple(SimpleType.INTEGER), file: blobType(SINGLE) }, "--timeout", "1m");
    writeFileSync(join(place.folder, "file"), "too early");
    writeFileSync(join(place.folder, "n"), "41");
    await sidecar.listens();
    expect(await bucket.head(`${place.prefix}/outputs.pb`)).toBeUndefined();
    writeFileSync(join(place.folder, "n"), "42\n");
    expect((await tell(sidecar)).code).toBe(0);
    const { literals } = fromBytes(LiteralMapSchema, await bucket.get(`${place.prefix}/outputs.pb`));
    expect(literals.n).toMatchObject({ value: { value: { value: { value: { value: { value: 42n } } } } } });
    expect(literals.file).toMatchObject(blob(`${place.raw}/file`, SINGLE));
    expect(Buffer.from(await bucket.get(`${place.raw}/file`)).toString()).toBe("too early");
  });

  test("says when it hears signals, and no sooner", async () => {
    const place = newPlace();
    const name = `copilot-test-${process.pid}`;
    const isReady = async () => (await start("is-ready", "--ready-socket", name).ended).code;
    expect(await isReady()).toBe(1);
    const sidecar = startSidecar(place, {}, "--ready-socket", name);
    await waitFor(async () => (await isReady()) === 0, { what: "the sidecar to be ready" });
    sidecar.child.kill("SIGTERM");
    expect((await sidecar.ended).code).toBe(0);
    expect(await isReady()).toBe(1);
  });

  test("writes why there are no outputs, unless the task has its reason already", async () => {
    const places = [newPlace(), newPlace(), newPlace(), newPlace()] as const;
    const [missing, failed, known, late] = places;
    writeFileSync(join(failed.folder, "_ERROR"), "out of luck");
    writeFileSync(join(late.folder, "n"), "1");
    await bucket.put(`${known.prefix}/error.pb`, Buffer.alloc(0));
    const flags: readonly string[][] = [[], [], [], ["--timeout", "1ms"]];
    const ends = await Promise.all(
      places.map((place, at) => tell(startSidecar(place, { n: simple(SimpleType.INTEGER) }, ...(flags[at] ?? [])))),
    );
    expect(ends.map(({ code }) => code)).toEqual([1, 1, 1, 1]);
    expect(await errorAt(missing)).toMatchObject({
      code: "OutputUploadFailed",
      message: "The output n is missing: there is no such file",
      origin: ExecutionError_ErrorKind.USER,
    });
    expect(await errorAt(failed)).toMatchObject({ code: "UserError", message: "out of luck" });
    expect(await errorAt(known)).toBeUndefined();
    expect(await errorAt(late)).toMatchObject({
      code: "OutputUploadFailed",
      message: expect.stringContaining("longer than 0.001 s"),
      origin: ExecutionError_ErrorKind.SYSTEM,
    });
  });

  test("moves a large file and a folder of many both ways in little memory", async () => {
    const [there, back] = [newPlace(), newPlace()];
    writeFileSync(join(there.folder, "large"), "");
    truncateSync(join(there.folder, "large"), LARGE_BYTES);
    mkdirSync(join(there.folder, "many", "deep"), { recursive: true });
    for (let at = 0; at < FILES; at += 1) {
      writeFileSync(join(there.folder, "many", at % 2 === 0 ? "" : "deep", `${at}`), `${at}`.padEnd(10_000));
    }
    const up = await tell(startSidecar(there, { large: blobType(SINGLE), many: blobType(MULTIPART) }));
    const inputs = fromBytes(LiteralMapSchema, await bucket.get(`${there.prefix}/outputs.pb`));
    const down = await runDownload(back, inputs);
    expect([up.code, down.code]).toEqual([0, 0]);
    expect(statSync(join(back.folder, "large")).size).toBe(LARGE_BYTES);
    expect(readdirSync(join(back.folder, "many"), { recursive: true })).toHaveLength(FILES + 1);
    expect(readFileSync(join(back.folder, "many", "deep", "7"), "utf8").trim()).toBe("7");
    expect(existsSync(join(back.folder, ".flyte-copilot"))).toBe(false);
    process.stderr.write(`copilot's peak: ${up.peakBytes / MIB} MiB up, ${down.peakBytes / MIB} MiB down\n`);
    expect(up.peakBytes).toBeLessThan(RSS_MAX_BYTES);
    expect(down.peakBytes).toBeLessThan(RSS_MAX_BYTES);
  }, 600_000);
});
