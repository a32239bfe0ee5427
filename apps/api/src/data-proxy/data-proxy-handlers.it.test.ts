import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { SkeinError } from "@skein/errors";
import { toBytes } from "@skein/idl";
import { LiteralMapSchema } from "@skein/idl/core";
import {
  ArtifactType,
  CreateDownloadLinkRequestSchema,
  CreateDownloadLocationRequestSchema,
  CreateUploadLocationRequestSchema,
  GetDataRequestSchema,
} from "@skein/idl/service";
import { openStorage, type Storage } from "@skein/storage";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Call } from "../call.ts";
import { handlersOver } from "./data-proxy-handlers.ts";
import type { DataProxyDependencies } from "./dependencies.ts";

const md5 = createHash("md5").update("content").digest();
const caller = { kind: "anonymous", subject: "anonymous", name: "", scopes: [] } as const;
const call: Call = { caller, correlationId: "test", signal: new AbortController().signal, authorize: () => undefined };
const place = { project: "flytesnacks", domain: "development" };
const integer = (value: bigint) =>
  ({
    value: { case: "scalar", value: { value: { case: "primitive", value: { value: { case: "integer", value } } } } },
  }) as const;

let folder: string;
let storage: Storage;
let handlers: ReturnType<typeof handlersOver>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "skein-data-proxy-"));
  const signing = { secretKey: "a secret key of at least 32 characters", publicUrl: "http://127.0.0.1:1" };
  storage = await openStorage({ uri: `file://${folder}`, signing });
  handlers = handlersOver(dependenciesOn(storage));
});
afterAll(async () => {
  storage.close();
  await rm(folder, { recursive: true });
});

/** One run `run1` whose action `n0` has values and a deck; everything else does not exist. */
function dependenciesOn(storage: Storage): DataProxyDependencies {
  const requireAction = ({ run, action }: { run: string; action: string }) => {
    if (run !== "run1" || !["n0", "n1"].includes(action)) throw new SkeinError("not_found", "action_not_found", "No.");
  };
  return {
    storage,
    limits: { expiresInSecondsMax: 3600, uploadBytesMax: 1000 },
    async requireProject(_call, project) {
      if (project !== "flytesnacks") throw new SkeinError("not_found", "project_not_found", `No project ${project}.`);
    },
    async readValues(_call, target) {
      requireAction(target);
      const inputs = create(LiteralMapSchema, { literals: { x: integer(1n) } });
      return { inputs, outputs: create(LiteralMapSchema, { literals: { o0: integer(2n) } }), large: {} };
    },
    async findDeckUri(_call, target) {
      requireAction(target);
      return target.action === "n0" ? storage.join("meta", "deck.html") : undefined;
    },
  };
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the handler is missing");
  return value;
}
const sender =
  <S extends DescMessage>(schema: S, name: keyof typeof handlers) =>
  async (init: MessageInitShape<S>) => {
    const handler = required(handlers[name]) as (request: unknown, call: Call) => Promise<unknown>;
    return (await handler(create(schema, init), call)) as Record<string, never>;
  };
const upload = sender(CreateUploadLocationRequestSchema, "createUploadLocation");
const location = sender(CreateDownloadLocationRequestSchema, "createDownloadLocation");
const link = sender(CreateDownloadLinkRequestSchema, "createDownloadLink");
const data = sender(GetDataRequestSchema, "getData");

describe("CreateUploadLocation", () => {
  test("content known by its MD5 gets a folder named after it, in padded base32", async () => {
    const answer = await upload({ ...place, filename: "fast.tar.gz", contentMd5: md5, addContentMd5Metadata: true });
    expect(answer).toMatchObject({
      nativeUrl: storage.join("uploads/flytesnacks/development/TIBWJOPJTO2IBXJF4HYCQTEFKU======/fast.tar.gz"),
      signedUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:1\/uploads\//),
      headers: {},
    });
  });

  test("a root of the client's own is the folder, and a missing file name is made up", async () => {
    const first = await upload({ ...place, filenameRoot: "frames" });
    const second = await upload({ ...place, filenameRoot: "frames" });
    expect(first.nativeUrl).toMatch(/\/uploads\/flytesnacks\/development\/frames\/[a-z0-9]{20}$/);
    expect(first.nativeUrl).not.toBe(second.nativeUrl);
  });

  test("a taken place is given again only for the same content", async () => {
    const named = { ...place, filename: "a/b.txt", filenameRoot: "root" };
    await storage.put(String((await upload({ ...named, contentMd5: md5 })).nativeUrl), Buffer.from("content"));
    await upload({ ...named, contentMd5: md5 });
    const taken = { code: "already_exists" };
    await expect(upload({ ...named, contentMd5: new Uint8Array(16) })).rejects.toMatchObject(taken);
    await expect(upload(named)).rejects.toMatchObject(taken);
  });

  test("it expires in an hour unless asked for less, and never later", async () => {
    const expiresIn = async (seconds?: bigint) => {
      const answer = await upload({
        ...place,
        contentMd5: md5,
        ...(seconds !== undefined && { expiresIn: { seconds } }),
      });
      return Math.round(Number((answer.expiresAt as unknown as { seconds: bigint }).seconds) - Date.now() / 1000);
    };
    expect(await expiresIn()).toBeCloseTo(3600, -1);
    expect(await expiresIn(60n)).toBeCloseTo(60, -1);
    for (const seconds of [3601n, 0n, -5n]) {
      await expect(expiresIn(seconds)).rejects.toMatchObject({ code: "invalid_argument" });
    }
  });

  test.each([
    [{ domain: "development", contentMd5: md5 }, "project"],
    [{ project: "flytesnacks", contentMd5: md5 }, "domain"],
    [{ ...place }, "content_md5"],
    [{ ...place, contentMd5: new Uint8Array(15) }, "content_md5"],
    [{ ...place, project: "a/b", contentMd5: md5 }, "project"],
    [{ ...place, domain: "..", contentMd5: md5 }, ".."],
    [{ ...place, contentMd5: md5, filename: "../x" }, "../x"],
    [{ ...place, filenameRoot: "../../flytesnacks" }, ".."],
    [{ ...place, contentMd5: md5, filename: "/etc/passwd" }, "/etc/passwd"],
  ])("%j is refused, naming %s", async (init, named) => {
    const refused = { code: "invalid_argument", message: expect.stringContaining(named) };
    await expect(upload(init)).rejects.toMatchObject(refused);
  });

  test("an unknown project is not_found", async () => {
    await expect(upload({ ...place, project: "none", contentMd5: md5 })).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("downloads", () => {
  const node = (nodeId: string, name = "run1") => ({
    source: { case: "nodeExecutionId", value: { nodeId, executionId: { ...place, name } } } as const,
  });
  const DECK = { artifactType: ArtifactType.DECK };

  test("a deck is linked once its file is there", async () => {
    await storage.remove(storage.join("meta", "deck.html"));
    await expect(link({ ...DECK, ...node("n0") })).rejects.toMatchObject({ code: "not_found" });
    await storage.put(storage.join("meta", "deck.html"), Buffer.from("<p>"));
    const signedUrl = [expect.stringContaining("/uploads/")];
    expect(await link({ ...DECK, ...node("n0") })).toMatchObject({ signedUrl, preSignedUrls: { signedUrl } });
    expect(await data({ flyteUrl: "flyte://v1/flytesnacks/development/run1/n0/d" })).toMatchObject({
      data: { case: "preSignedUrls", value: { signedUrl } },
    });
  });

  test("no deck, no action, another artifact and half an id each say what is wrong", async () => {
    await expect(link({ ...DECK, ...node("n1") })).rejects.toMatchObject({ reason: "deck_not_found" });
    await expect(link({ ...DECK, ...node("n9") })).rejects.toMatchObject({ reason: "action_not_found" });
    await expect(link(node("n0"))).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(link(DECK)).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(link({ ...DECK, ...node("n0", "") })).rejects.toMatchObject({ code: "invalid_argument" });
  });

  test("a native URL of our storage is signed, any other is refused", async () => {
    expect(await location({ nativeUrl: storage.join("raw", "a") })).toHaveProperty("signedUrl");
    for (const nativeUrl of ["", "s3://other/a", "file:///etc/passwd", `${storage.rootUri}/../a`]) {
      await expect(location({ nativeUrl })).rejects.toMatchObject({ code: "invalid_argument" });
    }
  });
});

describe("GetData of values that no answer has room for", () => {
  const get = async (tail: string) => {
    const uri = storage.join("meta", "large.pb");
    const literals = { a: integer(1n), o0: integer(2n), wide: { ...integer(3n), hash: "x".repeat(19 * 1024 * 1024) } };
    const bytes = toBytes(LiteralMapSchema, create(LiteralMapSchema, { literals }));
    await storage.put(uri, bytes);
    const empty = create(LiteralMapSchema);
    const large = { outputs: { uri, sizeBytes: bytes.length } };
    const overLarge = handlersOver({
      ...dependenciesOn(storage),
      readValues: async () => ({ inputs: empty, outputs: empty, large }),
    });
    const request = create(GetDataRequestSchema, { flyteUrl: `flyte://v1/flytesnacks/development/run1/n0/${tail}` });
    return required(overLarge.getData)(request, call);
  };

  test("is a signed URL for the whole, and inline for a variable that fits", async () => {
    const signedUrl = [expect.stringContaining("/uploads/")];
    expect(await get("o")).toMatchObject({ data: { case: "preSignedUrls", value: { signedUrl } } });
    expect(await get("o/o0")).toMatchObject({ data: { case: "literal", value: integer(2n) } });
  });

  test("is refused for a variable that does not exist or does not fit either", async () => {
    await expect(get("o/none")).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(get("o/wide")).rejects.toMatchObject({ reason: "value_too_large" });
  });
});

describe("GetData", () => {
  const get = (tail: string) => data({ flyteUrl: `flyte://v1/flytesnacks/development/run1/${tail}` });

  test("answers a whole map, or one literal", async () => {
    expect(await get("n0/i")).toMatchObject({ data: { case: "literalMap", value: { literals: { x: {} } } } });
    expect(await get("n0/o/o0")).toMatchObject({ data: { case: "literal", value: integer(2n) } });
    expect(await get("n0/0/o")).toMatchObject({ data: { case: "literalMap", value: { literals: { o0: {} } } } });
  });

  test("an unknown variable is refused with the names there are; an unknown node is not_found", async () => {
    const refused = { code: "invalid_argument", message: expect.stringContaining("there is: o0") };
    await expect(get("n0/o/other")).rejects.toMatchObject(refused);
    await expect(get("n0/o/constructor")).rejects.toMatchObject(refused);
    await expect(get("n9/o")).rejects.toMatchObject({ code: "not_found" });
  });
});
