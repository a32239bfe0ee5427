import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  BlobType_BlobDimensionality,
  type LiteralMapSchema,
  type LiteralSchema,
  type LiteralTypeSchema,
  LiteralMapSchema as MapSchema,
  SimpleType,
  VariableMapSchema,
} from "@skein/idl/core";
import { openStorage, type Storage } from "@skein/storage";
import { createTempFolder } from "@skein/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { downloadInputs, uploadOutputs } from "./index.ts";

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
const { SINGLE, MULTIPART } = BlobType_BlobDimensionality;
const mapOf = (literals: Record<string, LiteralInit>) =>
  create(MapSchema, { literals } as MessageInitShape<typeof LiteralMapSchema>);
const declared = (types: Record<string, TypeInit["type"]>) =>
  create(VariableMapSchema, {
    variables: Object.fromEntries(
      Object.entries(types).map(([name, type]) => [name, { type: { type: type as never } }]),
    ),
  });

beforeAll(async () => {
  storage = await openStorage({ uri: `file://${temp.path}/storage` });
});
afterAll(() => temp.close());

test("inputs become files, folders and one document", async () => {
  const folder = newFolder();
  await storage.put(storage.join("blob"), Buffer.from("blob's bytes"));
  await storage.put(storage.join("many", "sub", "a"), Buffer.from("a"));
  const inputs = mapOf({
    x: integer(7n),
    huge: integer(9_007_199_254_740_993n),
    list: { value: { case: "collection", value: { literals: [integer(1n), integer(2n)] } } },
    map: { value: { case: "map", value: { literals: { key: integer(3n) } } } },
    file: blob(storage.join("blob"), SINGLE),
    dir: blob(storage.join("many"), MULTIPART),
    nothing: { value: { case: "scalar", value: { value: { case: "noneType", value: {} } } } },
  });
  await downloadInputs(folder, inputs, "json", storage);
  const read = (...names: string[]) => readFileSync(join(folder, ...names), "utf8");
  expect([read("x"), read("huge"), read("list", "1"), read("map", "key"), read("nothing")]).toEqual([
    "7",
    "9007199254740993",
    "2",
    "3",
    "null",
  ]);
  expect([read("file"), read("dir", "sub", "a")]).toEqual(["blob's bytes", "a"]);
  expect(JSON.parse(read("inputs.json"))).toMatchObject({
    x: 7,
    huge: "9007199254740993",
    list: [1, 2],
    map: { key: 3 },
  });
  expect(read("inputs.pb").length).toBeGreaterThan(0);
});

test("a key that leads elsewhere is refused", async () => {
  const inputs = mapOf({ map: { value: { case: "map", value: { literals: { "../../evil": integer(1n) } } } } });
  await expect(downloadInputs(newFolder(), inputs, "proto", storage)).rejects.toThrow(/evil/);
});

test("files become the outputs that were declared", async () => {
  const folder = newFolder();
  const simple = (value: SimpleType) => ({ case: "simple" as const, value });
  const texts = {
    n: "42\n",
    ratio: "1.5",
    ok: "true",
    text: "words ",
    at: "1970-01-01T01:00:00.5+01:00",
    took: "1m1.5s",
  };
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, "report.csv"), "a,b");
  mkdirSync(join(folder, "parts"));
  writeFileSync(join(folder, "parts", "one"), "1");
  const types = declared({
    n: simple(SimpleType.INTEGER),
    ratio: simple(SimpleType.FLOAT),
    ok: simple(SimpleType.BOOLEAN),
    text: simple(SimpleType.STRING),
    at: simple(SimpleType.DATETIME),
    took: simple(SimpleType.DURATION),
    report: { case: "blob", value: { $typeName: "flyteidl.core.BlobType", format: "csv", dimensionality: SINGLE } },
    parts: { case: "blob", value: { $typeName: "flyteidl.core.BlobType", format: "", dimensionality: MULTIPART } },
  });
  const uploaded = await uploadOutputs(folder, types, storage.join("raw", "x"), storage);
  const literals = "outputs" in uploaded ? uploaded.outputs.literals : {};
  const primitive = (value: object) => ({ value: { value: { value: { value: { value } } } } });
  expect(literals).toMatchObject({
    n: integer(42n),
    ratio: primitive({ case: "floatValue", value: 1.5 }),
    ok: primitive({ case: "boolean", value: true }),
    text: primitive({ case: "stringValue", value: "words " }),
    at: primitive({ case: "datetime", value: { seconds: 0n, nanos: 500_000_000 } }),
    took: primitive({ case: "duration", value: { seconds: 61n, nanos: 500_000_000 } }),
    report: blob(storage.join("raw", "x", "report.csv"), SINGLE),
    parts: blob(storage.join("raw", "x", "parts"), MULTIPART),
  });
  expect(Buffer.from(await storage.get(storage.join("raw", "x", "report.csv"))).toString()).toBe("a,b");
  expect(Buffer.from(await storage.get(storage.join("raw", "x", "parts", "one"))).toString()).toBe("1");
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
  const uploaded = await uploadOutputs(folder, declared({ n: INTEGER }), storage.join("raw", "y"), storage);
  expect("problem" in uploaded && !uploaded.isUsers && uploaded.problem).toMatch(expected);
});

test("a file named _ERROR is the program's own failure", async () => {
  const folder = newFolder();
  writeFileSync(join(folder, "n"), "1");
  writeFileSync(join(folder, "_ERROR"), "out of luck");
  const uploaded = await uploadOutputs(folder, declared({ n: INTEGER }), storage.join("raw", "z"), storage);
  expect(uploaded).toEqual({ problem: "out of luck", isUsers: true });
});
