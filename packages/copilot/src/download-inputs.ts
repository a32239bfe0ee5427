import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { SkeinError } from "@skein/errors";
import { toBytes } from "@skein/idl";
import {
  type Blob,
  BlobType_BlobDimensionality,
  type Literal,
  type LiteralMap,
  LiteralMapSchema,
  type Scalar,
} from "@skein/idl/core";
import type { Storage } from "@skein/storage";
import { primitiveText } from "./primitive-text.ts";

/** What a raw container gets beside one file per input. */
export type InputFormat = "json" | "yaml" | "proto";

type Plain = string | number | boolean | null | Plain[] | { [name: string]: Plain };

/**
 * Lays inputs out for a program that knows nothing of Flyte: a file per primitive, named after its variable; a folder per
 * collection, map and multipart blob; all of it again in `inputs.pb` and, if asked for, `inputs.json` or `inputs.yaml`.
 */
export async function downloadInputs(
  folder: string,
  inputs: LiteralMap,
  format: InputFormat,
  storage: Storage,
): Promise<void> {
  const plain = await writeMap(folder, inputs, storage);
  await writeFile(join(folder, "inputs.pb"), toBytes(LiteralMapSchema, inputs));
  // Every JSON document is a YAML document.
  if (format !== "proto") await writeFile(join(folder, `inputs.${format}`), JSON.stringify(plain, undefined, 2));
}

async function writeMap(
  folder: string,
  { literals }: LiteralMap,
  storage: Storage,
): Promise<{ [name: string]: Plain }> {
  await mkdir(folder, { recursive: true });
  const plain: { [name: string]: Plain } = {};
  for (const [name, literal] of Object.entries(literals)) {
    plain[name] = await writeLiteral(join(folder, fileName(name)), literal, storage);
  }
  return plain;
}

/** A map's keys are the user's: none may name a place elsewhere. */
function fileName(name: string): string {
  if (name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name)) return name;
  throw new SkeinError(
    "invalid_argument",
    "input_name_invalid",
    `The input name ${JSON.stringify(name)} cannot be a file name`,
  );
}

async function writeLiteral(path: string, { value }: Literal, storage: Storage): Promise<Plain> {
  if (value.case === "map") return await writeMap(path, value.value, storage);
  if (value.case === "collection") {
    await mkdir(path, { recursive: true });
    const items: Plain[] = [];
    for (const [at, item] of value.value.literals.entries())
      items.push(await writeLiteral(join(path, `${at}`), item, storage));
    return items;
  }
  if (value.case === "scalar") return await writeScalar(path, value.value, storage);
  return await writeText(path, "null", null);
}

async function writeScalar(path: string, { value: scalar }: Scalar, storage: Storage): Promise<Plain> {
  switch (scalar.case) {
    case "primitive": {
      const text = primitiveText(scalar.value) ?? "";
      return await writeText(path, text, plainPrimitive(scalar.value.value, text));
    }
    case "blob":
      await downloadBlob(path, scalar.value, storage);
      return scalar.value.uri;
    case "generic":
      return await writeText(path, JSON.stringify(scalar.value), scalar.value as Plain);
    case "union":
      return scalar.value.value
        ? await writeLiteral(path, scalar.value.value, storage)
        : await writeText(path, "null", null);
    default:
      return await writeText(path, "null", null);
  }
}

/** An int64 that a JSON number cannot hold stays text. */
function plainPrimitive(
  primitive: Extract<Scalar["value"], { case: "primitive" }>["value"]["value"],
  text: string,
): Plain {
  if (primitive.case === "boolean" || primitive.case === "floatValue") return primitive.value;
  if (primitive.case === "integer" && Number.isSafeInteger(Number(primitive.value))) return Number(primitive.value);
  return text;
}

async function writeText(path: string, text: string, plain: Plain): Promise<Plain> {
  await writeFile(path, text);
  return plain;
}

async function downloadBlob(path: string, blob: Blob, storage: Storage): Promise<void> {
  if (blob.metadata?.type?.dimensionality !== BlobType_BlobDimensionality.MULTIPART) {
    await pipeline(await storage.getStream(blob.uri), createWriteStream(path));
    return;
  }
  await mkdir(path, { recursive: true });
  const prefix = `${blob.uri.replace(/\/+$/, "")}/`;
  for await (const { uri } of storage.list(prefix)) {
    const target = join(path, ...uri.slice(prefix.length).split("/").map(fileName));
    await mkdir(dirname(target), { recursive: true });
    await pipeline(await storage.getStream(uri), createWriteStream(target));
  }
}
