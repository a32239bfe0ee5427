import { mkdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { fromBytes, toBytes } from "@skein/idl";
import {
  type Blob,
  BlobType_BlobDimensionality,
  type Literal,
  type LiteralMap,
  LiteralMapSchema,
  LiteralSchema,
  type Scalar,
} from "@skein/idl/core";
import { type Plain, toJson, toYaml } from "./document.ts";
import { downloadFolder } from "./download-folder.ts";
import { downloadObject } from "./download-object.ts";
import { fileName } from "./file-name.ts";
import { Lanes } from "./lanes.ts";
import { fileText, plainPrimitive } from "./primitive-text.ts";
import type { Stores } from "./stores.ts";

/** What a raw container gets beside one file per input. */
export type InputFormat = "json" | "yaml" | "proto";

export interface DownloadOptions {
  readonly folder: string;
  /** Where the program finds the folder; the documents name paths below it. The folder itself unless given. */
  readonly seenAs?: string;
  readonly inputs: LiteralMap;
  readonly format: InputFormat;
  /** `named`: files keep the names that their URIs end with, each in a folder of its input. */
  readonly layout?: "direct" | "named";
  readonly stores: Stores;
}

/** Where files lie until they are whole; gone in the end. */
export const PARTS_FOLDER = ".flyte-copilot";

const LANES = 16;
const OFFLOADED_BYTES_MAX = 1024 * 1024 * 1024;

/**
 * Lays inputs out for a program that knows nothing of Flyte: a file per primitive, named after its variable; a folder per
 * collection, map and multipart blob; all of it again in `inputs.pb` and, if asked for, `inputs.json` or `inputs.yaml`,
 * where files and folders are named by their local paths. Called again after it was cut short, it goes on where it was.
 */
export async function downloadInputs(options: DownloadOptions): Promise<void> {
  const { folder, inputs, format } = options;
  await mkdir(folder, { recursive: true });
  const layOut = new LayOut(options);
  const laid = await layOut.map("", inputs);
  await layOut.end();
  await writeFile(join(folder, "inputs.pb"), toBytes(LiteralMapSchema, laid.map));
  if (format === "json") await writeFile(join(folder, "inputs.json"), toJson(laid.plain));
  if (format === "yaml") await writeFile(join(folder, "inputs.yaml"), toYaml(laid.plain));
}

/** A literal as the program finds it, and in words for the documents. */
interface Laid {
  readonly literal: Literal;
  readonly plain: Plain;
}

/** Walks literals; `at` is always a path below the folder. Files are brought in the background, until `end`. */
class LayOut {
  readonly #options: DownloadOptions;
  readonly #lanes = new Lanes(LANES);

  constructor(options: DownloadOptions) {
    this.#options = options;
  }

  async end(): Promise<void> {
    await this.#lanes.end();
    await rm(this.#here(PARTS_FOLDER), { recursive: true, force: true });
  }

  async map(at: string, { literals }: LiteralMap): Promise<{ map: LiteralMap; plain: { [name: string]: Plain } }> {
    await mkdir(this.#here(at), { recursive: true });
    const map = create(LiteralMapSchema);
    const plain: { [name: string]: Plain } = {};
    for (const [name, literal] of Object.entries(literals)) {
      if (at === "" && name === PARTS_FOLDER) fileName("");
      const laid = await this.#named(join(at, fileName(name)), literal);
      map.literals[name] = laid.literal;
      plain[name] = laid.plain;
    }
    return { map, plain };
  }

  /** With named files, one stands in a folder of its input. */
  async #named(at: string, literal: Literal): Promise<Laid> {
    const name = this.#originalName(literal);
    if (name === undefined) return await this.#literal(at, literal);
    await mkdir(this.#here(at), { recursive: true });
    return await this.#literal(join(at, name), literal);
  }

  #originalName({ value }: Literal): string | undefined {
    if (this.#options.layout !== "named" || value.case !== "scalar" || value.value.value.case !== "blob")
      return undefined;
    const blob = value.value.value.value;
    return isMultipart(blob) ? undefined : fileName(basename(blob.uri));
  }

  async #literal(at: string, { value }: Literal): Promise<Laid> {
    switch (value.case) {
      case "map": {
        const { map, plain } = await this.map(at, value.value);
        return { literal: create(LiteralSchema, { value: { case: "map", value: map } }), plain };
      }
      case "collection":
        return await this.#collection(at, value.value.literals);
      case "scalar": {
        const { scalar, plain } = await this.#scalar(at, value.value.value);
        return { literal: literalOf(scalar), plain };
      }
      case "offloadedMetadata":
        return await this.#literal(at, await this.#offloaded(value.value.uri));
      default:
        return { literal: literalOf(NONE), plain: await this.#text(at, "null", null) };
    }
  }

  async #offloaded(uri: string): Promise<Literal> {
    const store = await this.#options.stores.storeOf(uri);
    return fromBytes(LiteralSchema, await store.get(uri, { bytesMax: OFFLOADED_BYTES_MAX }));
  }

  async #collection(at: string, items: readonly Literal[]): Promise<Laid> {
    await mkdir(this.#here(at), { recursive: true });
    const laid: Laid[] = [];
    const seen = new Set<string>();
    for (const [index, item] of items.entries()) {
      let name = this.#originalName(item) ?? `${index}`;
      if (seen.has(name)) name = `${index}_${name}`;
      seen.add(name);
      laid.push(await this.#literal(join(at, name), item));
    }
    const literals = laid.map(({ literal }) => literal);
    return {
      literal: create(LiteralSchema, { value: { case: "collection", value: { literals } } }),
      plain: laid.map(({ plain }) => plain),
    };
  }

  async #scalar(at: string, scalar: Scalar["value"]): Promise<{ scalar: Scalar["value"]; plain: Plain }> {
    const local = this.#seen(at);
    switch (scalar.case) {
      case "primitive":
        return { scalar, plain: await this.#text(at, fileText(scalar.value), plainPrimitive(scalar.value)) };
      case "blob":
        await (isMultipart(scalar.value) ? this.#folder(at, scalar.value.uri) : this.#file(at, scalar.value.uri));
        return { scalar: { case: "blob", value: { ...scalar.value, uri: local } }, plain: local };
      case "schema":
        await this.#folder(at, scalar.value.uri);
        return { scalar: { case: "schema", value: { ...scalar.value, uri: local } }, plain: local };
      case "structuredDataset":
        await this.#folder(at, scalar.value.uri);
        return { scalar: { case: "structuredDataset", value: { ...scalar.value, uri: local } }, plain: local };
      case "generic":
        return { scalar, plain: await this.#text(at, JSON.stringify(scalar.value), scalar.value as Plain) };
      case "binary":
        await writeFile(this.#here(at), scalar.value.value);
        return { scalar, plain: Buffer.from(scalar.value.value).toString("base64") };
      case "error":
        return { scalar, plain: await this.#text(at, scalar.value.message, scalar.value.message) };
      case "union": {
        const { literal, plain } = await this.#literal(at, scalar.value.value ?? literalOf(NONE));
        return { scalar: { case: "union", value: { ...scalar.value, value: literal } }, plain };
      }
      default:
        return { scalar: NONE, plain: await this.#text(at, "null", null) };
    }
  }

  async #file(at: string, uri: string): Promise<void> {
    const object = { uri, path: this.#here(at), partsFolder: this.#here(PARTS_FOLDER) };
    await this.#lanes.begin(1, () => downloadObject(this.#options.stores, object));
  }

  async #folder(at: string, uri: string): Promise<void> {
    const target = { uri, path: this.#here(at), partsFolder: this.#here(PARTS_FOLDER) };
    await downloadFolder(this.#options.stores, target, this.#lanes);
  }

  async #text(at: string, text: string, plain: Plain): Promise<Plain> {
    await writeFile(this.#here(at), text);
    return plain;
  }

  #here(at: string): string {
    return join(this.#options.folder, at);
  }

  #seen(at: string): string {
    return join(this.#options.seenAs ?? this.#options.folder, at);
  }
}

const NONE: Scalar["value"] = { case: "noneType", value: { $typeName: "flyteidl.core.Void" } };

const literalOf = (value: Scalar["value"]): Literal =>
  create(LiteralSchema, { value: { case: "scalar", value: { $typeName: "flyteidl.core.Scalar", value } } });

const isMultipart = ({ metadata }: Blob): boolean =>
  metadata?.type?.dimensionality === BlobType_BlobDimensionality.MULTIPART;
