import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { fromBytes, toBytes } from "@skein/idl";
import {
  BlobType_BlobDimensionality,
  type LiteralMapSchema,
  LiteralSchema,
  type LiteralTypeSchema,
  LiteralMapSchema as MapSchema,
  SimpleType,
  VariableMapSchema,
} from "@skein/idl/core";
import { openStorage, type Storage } from "@skein/storage";
import { createTempFolder } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DownloadOptions, downloadInputs, openStores, uploadOutputs } from "./index.ts";

type LiteralInit = MessageInitShape<typeof LiteralSchema>;
type TypeInit = MessageInitShape<typeof LiteralTypeSchema>;

const temp = createTempFolder("copilot");
let storage: Storage;
let folders = 0;
const newFolder = (): string => {
  folders += 1;
  const folder = join(temp.path, `folder${folders}`);
  mkdirSync(folder);
  return folder;
};
const integer = (value: bigint): LiteralInit => ({
  value: {
    case: "scalar",
    value: { value: { case: "primitive", value: { value: { case: "integer", value } } } },
  },
});
const blob = (uri: string, dimensionality: BlobType_BlobDimensionality): LiteralInit => ({
  value: { case: "scalar", value: { value: { case: "blob", value: { uri, metadata: { type: { dimensionality } } } } } },
});
const blobType = (dimensionality: BlobType_BlobDimensionality, format = "") => ({
  case: "blob" as const,
  value: { $typeName: "flyteidl.core.BlobType" as const, format, dimensionality },
});
const { SINGLE, MULTIPART } = BlobType_BlobDimensionality;
const mapOf = (literals: Record<string, LiteralInit>) =>
  create(MapSchema, { literals } as MessageInitShape<typeof LiteralMapSchema>);
const declared = (types: Record<string, TypeInit["type"]>) =>
  create(VariableMapSchema, {
    variables: Object.fromEntries(
      Object.entries(types).map(([name, type]) => [name, { type: { type: type as never } }]),
    ),
  });

const scalar = (value: object): LiteralInit => ({ value: { case: "scalar", value: { value } } }) as LiteralInit;
const download = (folder: string, inputs: DownloadOptions["inputs"], change: Partial<DownloadOptions> = {}) =>
  downloadInputs({ folder, inputs, format: "json", stores: openStores(storage), ...change });
const upload = (folder: string, declaredTypes: ReturnType<typeof declared>, raw: string) =>
  uploadOutputs({ folder, declared: declaredTypes, rawPrefix: storage.join("raw", raw), stores: openStores(storage) });

beforeAll(async () => {
  storage = await openStorage({ uri: `file://${temp.path}/storage` });
});
afterAll(() => temp.close());

test("inputs become files, folders and one document", async () => {
  const folder = newFolder();
  await storage.put(storage.join("blob"), Buffer.from("blob's bytes"));
  await storage.put(storage.join("many", "sub", "a"), Buffer.from("a"));
  await storage.put(storage.join("offloaded"), toBytes(LiteralSchema, create(LiteralSchema, integer(5n))));
  const inputs = mapOf({
    x: integer(7n),
    huge: integer(9_007_199_254_740_993n),
    list: { value: { case: "collection", value: { literals: [integer(1n), integer(2n)] } } },
    map: { value: { case: "map", value: { literals: { key: integer(3n) } } } },
    file: blob(storage.join("blob"), SINGLE),
    dir: blob(storage.join("many"), MULTIPART),
    table: scalar({ case: "schema", value: { uri: storage.join("many") } }),
    frame: scalar({ case: "structuredDataset", value: { uri: storage.join("many") } }),
    nothing: scalar({ case: "noneType", value: {} }),
    struct: scalar({ case: "generic", value: { a: [1, "b"] } }),
    packed: scalar({ case: "binary", value: { value: Buffer.from([0xc3]), tag: "msgpack" } }),
    maybe: scalar({ case: "union", value: { value: blob(storage.join("blob"), SINGLE) } }),
    large: { value: { case: "offloadedMetadata", value: { uri: storage.join("offloaded") } } },
  });
  await download(folder, inputs, { seenAs: "/var/flyte/inputs" });
  const read = (...names: string[]) => readFileSync(join(folder, ...names), "utf8");
  expect([read("x"), read("huge"), read("list", "1"), read("map", "key"), read("nothing")]).toEqual([
    "7",
    "9007199254740993",
    "2",
    "3",
    "null",
  ]);
  expect([read("file"), read("dir", "sub", "a"), read("table", "sub", "a"), read("frame", "sub", "a")]).toEqual([
    "blob's bytes",
    "a",
    "a",
    "a",
  ]);
  expect([read("struct"), read("maybe"), read("large"), readFileSync(join(folder, "packed"))[0]]).toEqual([
    '{"a":[1,"b"]}',
    "blob's bytes",
    "5",
    0xc3,
  ]);
  expect(read("inputs.json")).toContain('"huge":9007199254740993,');
  expect(JSON.parse(read("inputs.json"))).toMatchObject({
    x: 7,
    list: [1, 2],
    map: { key: 3 },
    file: "/var/flyte/inputs/file",
    dir: "/var/flyte/inputs/dir",
    packed: "ww==",
    maybe: "/var/flyte/inputs/maybe",
    large: 5,
    nothing: null,
  });
  const { literals } = fromBytes(MapSchema, readFileSync(join(folder, "inputs.pb")));
  expect(literals).toMatchObject({ x: integer(7n), file: blob("/var/flyte/inputs/file", SINGLE), large: integer(5n) });
  expect(readdirSync(folder)).not.toContain(".flyte-copilot");
});

test("a YAML document has a line for each value", async () => {
  const folder = newFolder();
  await download(folder, mapOf({ b: integer(2n), a: integer(1n) }), { format: "yaml" });
  expect(readFileSync(join(folder, "inputs.yaml"), "utf8")).toBe("a: 1\nb: 2\n");
  expect(existsSync(join(folder, "inputs.json"))).toBe(false);
});

test("named files keep the names that their URIs end with", async () => {
  const folder = newFolder();
  for (const name of ["one/x.csv", "two/x.csv"]) await storage.put(storage.join("named", name), Buffer.from(name));
  const [one, two] = [blob(storage.join("named/one/x.csv"), SINGLE), blob(storage.join("named/two/x.csv"), SINGLE)];
  const inputs = mapOf({ file: one, list: { value: { case: "collection", value: { literals: [one, two] } } } });
  await download(folder, inputs, { layout: "named" });
  const read = (...names: string[]) => readFileSync(join(folder, ...names), "utf8");
  expect([read("file", "x.csv"), read("list", "x.csv"), read("list", "1_x.csv")]).toEqual([
    "one/x.csv",
    "one/x.csv",
    "two/x.csv",
  ]);
});

test("a download that was cut short goes on where it was", async () => {
  const folder = newFolder();
  for (const name of ["a", "b", "c"]) await storage.put(storage.join("resumed", name), Buffer.from(`${name}-content`));
  const inputs = mapOf({ dir: blob(storage.join("resumed"), MULTIPART) });
  await download(folder, inputs);
  // What it left: one whole file, one with another size, one that is half there under its name for parts.
  writeFileSync(join(folder, "dir", "a"), "A-CONTENT");
  writeFileSync(join(folder, "dir", "b"), "old");
  rmSync(join(folder, "dir", "c"));
  const part = createHash("sha256")
    .update(join(folder, "dir", "c"))
    .digest("hex");
  mkdirSync(join(folder, ".flyte-copilot"));
  writeFileSync(join(folder, ".flyte-copilot", part), "C-con");
  await download(folder, inputs);
  const read = (name: string) => readFileSync(join(folder, "dir", name), "utf8");
  expect([read("a"), read("b"), read("c")]).toEqual(["A-CONTENT", "b-content", "C-content"]);
});

test("an object that is not there, or in a store that is not ours, fails with its URI", async () => {
  const missing = mapOf({ file: blob(storage.join("no", "such"), SINGLE) });
  await expect(download(newFolder(), missing)).rejects.toThrow(/no\/such/);
  for (const uri of ["file:///etc/hostname", "s3://elsewhere/key", "http://127.0.0.1:9/x"]) {
    const foreign = download(newFolder(), mapOf({ file: blob(uri, SINGLE) }));
    await expect(foreign).rejects.toMatchObject({ code: "invalid_argument", message: expect.stringContaining(uri) });
  }
});

test("a key that leads elsewhere is refused", async () => {
  const inputs = mapOf({ map: { value: { case: "map", value: { literals: { "../../evil": integer(1n) } } } } });
  await expect(download(newFolder(), inputs, { format: "proto" })).rejects.toThrow(/evil/);
});

test("files become the outputs that were declared", async () => {
  const folder = newFolder();
  const simple = (value: SimpleType) => ({ case: "simple" as const, value });
  const texts = {
    n: "42\n",
    ratio: "1.5",
    ok: "true",
    text: "words \n",
    failed: "so it went",
    nothing: "",
    struct: '{"a": 1}',
    packed: "\n",
    at: "1970-01-01T01:00:00.5+01:00",
    took: "1m1.5s",
  };
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, "report.csv"), "a,b");
  mkdirSync(join(folder, "parts"));
  writeFileSync(join(folder, "parts", "one"), "1");
  mkdirSync(join(folder, "parts", "deep"));
  writeFileSync(join(folder, "parts", "deep", "two"), "2");
  const types = declared({
    n: simple(SimpleType.INTEGER),
    ratio: simple(SimpleType.FLOAT),
    ok: simple(SimpleType.BOOLEAN),
    text: simple(SimpleType.STRING),
    at: simple(SimpleType.DATETIME),
    took: simple(SimpleType.DURATION),
    failed: simple(SimpleType.ERROR),
    nothing: simple(SimpleType.NONE),
    struct: simple(SimpleType.STRUCT),
    packed: simple(SimpleType.BINARY),
    report: blobType(SINGLE, "csv"),
    parts: blobType(MULTIPART),
  });
  const uploaded = await upload(folder, types, "x");
  const literals = "outputs" in uploaded ? uploaded.outputs.literals : {};
  const primitive = (value: object) => ({ value: { value: { value: { value: { value } } } } });
  expect(literals).toMatchObject({
    n: integer(42n),
    ratio: primitive({ case: "floatValue", value: 1.5 }),
    ok: primitive({ case: "boolean", value: true }),
    text: primitive({ case: "stringValue", value: "words" }),
    at: primitive({ case: "datetime", value: { seconds: 0n, nanos: 500_000_000 } }),
    took: primitive({ case: "duration", value: { seconds: 61n, nanos: 500_000_000 } }),
    failed: scalar({ case: "error", value: { message: "so it went" } }),
    nothing: scalar({ case: "noneType", value: {} }),
    struct: scalar({ case: "generic", value: { a: 1 } }),
    packed: scalar({ case: "binary", value: { value: Buffer.from([10]), tag: "msgpack" } }),
    report: blob(storage.join("raw", "x", "report.csv"), SINGLE),
    parts: blob(storage.join("raw", "x", "parts"), MULTIPART),
  });
  expect(Buffer.from(await storage.get(storage.join("raw", "x", "report.csv"))).toString()).toBe("a,b");
  expect(Buffer.from(await storage.get(storage.join("raw", "x", "parts", "one"))).toString()).toBe("1");
  expect(Buffer.from(await storage.get(storage.join("raw", "x", "parts", "deep", "two"))).toString()).toBe("2");
});

const INTEGER = { case: "simple" as const, value: SimpleType.INTEGER };

const writeBoth = (folder: string, ...names: string[]): void => {
  for (const name of names) writeFileSync(join(folder, name), "1");
};

test.each<[string, (folder: string) => void, RegExp]>([
  ["missing", () => undefined, /n is missing/],
  ["ambiguous", (folder) => writeBoth(folder, "n.a", "n.b"), /n\.a, n\.b/],
  ["too long", (folder) => writeFileSync(join(folder, "n"), "1".repeat(1_025)), /1025 bytes/],
  ["of another type", (folder) => writeFileSync(join(folder, "n"), "seven"), /value of its type/],
  ["a link", (folder) => symlinkSync("/etc/hostname", join(folder, "n")), /not a plain file/],
])("an output that is %s is a problem with its name", async (_, prepare, expected) => {
  const folder = newFolder();
  prepare(folder);
  const uploaded = await upload(folder, declared({ n: INTEGER }), "y");
  expect("problem" in uploaded && !uploaded.isUsers && uploaded.problem).toMatch(expected);
});

test("a file named _ERROR is the program's own failure", async () => {
  const folder = newFolder();
  writeFileSync(join(folder, "n"), "1");
  writeFileSync(join(folder, "_ERROR"), "out of luck");
  const uploaded = await upload(folder, declared({ n: INTEGER }), "z");
  expect(uploaded).toEqual({ problem: "out of luck", isUsers: true });
});

test("an upload that was cut short leaves alone what is there already", async () => {
  const folder = newFolder();
  mkdirSync(join(folder, "parts"));
  for (const name of ["same", "other", "longer"]) writeFileSync(join(folder, "parts", name), `${name}-content`);
  const at = (name: string) => join(temp.path, "storage", "raw", "again", "parts", name);
  const types = declared({ parts: blobType(MULTIPART) });
  await upload(folder, types, "again");
  const before = statSync(at("same"), { bigint: true }).mtimeNs;
  writeFileSync(at("other"), "OTHER-content");
  writeFileSync(at("longer"), "x");
  await upload(folder, types, "again");
  expect(["same", "other", "longer"].map((name) => readFileSync(at(name), "utf8"))).toEqual([
    "same-content",
    "other-content",
    "longer-content",
  ]);
  expect(statSync(at("same"), { bigint: true }).mtimeNs).toBe(before);
});

test.each<[string, (folder: string) => void]>([
  ["is a link to a folder", (folder) => symlinkSync("/etc", join(folder, "parts"))],
  [
    "holds a link",
    (folder) => {
      mkdirSync(join(folder, "parts", "deep"), { recursive: true });
      symlinkSync("/etc", join(folder, "parts", "deep", "link"));
    },
  ],
])("a folder that %s is a problem, and nothing behind the link is read", async (what, prepare) => {
  const folder = newFolder();
  prepare(folder);
  const uploaded = await upload(folder, declared({ parts: blobType(MULTIPART) }), what);
  expect("problem" in uploaded && uploaded.problem).toMatch(/is not a folder|neither a plain file nor a folder/);
  const kept: string[] = [];
  for await (const { uri } of storage.list(storage.join("raw", what))) kept.push(uri);
  expect(kept).toEqual([]);
});

test("a link in place of the folder of outputs is no folder of outputs", async () => {
  const folder = newFolder();
  writeFileSync(join(folder, "n"), "1");
  symlinkSync(folder, `${folder}-link`);
  const uploaded = await upload(`${folder}-link`, declared({ n: INTEGER }), "link");
  expect("problem" in uploaded && uploaded.problem).toMatch(/n is missing/);
});
