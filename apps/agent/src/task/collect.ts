import { join } from "node:path";
import type { Readable } from "node:stream";
import { create } from "@bufbuild/protobuf";
import { type ClaimGrant, type Outcome, REPORT_OUTPUT_BYTES_MAX, type Value } from "@skein/contracts";
import { fromBytes, toBytes } from "@skein/idl";
import { type LiteralMap, LiteralMapSchema } from "@skein/idl/core";
import type { Storage } from "@skein/storage";
import type { AttemptFolder } from "../ledger/attempt-folder.ts";
import type { Exit } from "../runtimes/runtime.ts";
import { useStorageUris } from "./file-uris.ts";
import { declaresOutputs, readTaskTemplate } from "./prepare-launch.ts";
import { collectData, dataLoadingOf } from "./raw-container.ts";
import { listPlainFiles, openPlainFile, plainFileSize, readEnd, readPlainFile } from "./read-remains.ts";
import { judge } from "./verdict.ts";

export interface CollectOptions {
  readonly storage: Storage;
  readonly grant: ClaimGrant;
  readonly outputBytesMax: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

const OUTPUTS_FILE = "outputs.pb";
const ERROR_FILE = "error.pb";
const FUTURES_FILE = "futures.pb";
const DECK_FILE = "deck.html";
const ERROR_BYTES_MAX = 4 * 1024 * 1024;
const LOG_END_BYTES = 2 * 1024;

const unreadableOutputs = {
  code: "OutputsInvalid",
  message: "The task wrote an outputs.pb that is no LiteralMap",
  kind: "user" as const,
  recoverable: false,
};

/** Reads what user code left, moves it to the object store and says what became of the attempt. */
export async function collect(folder: AttemptFolder, exit: Exit, options: CollectOptions): Promise<Outcome> {
  const { storage, grant, startedAtMs, endedAtMs } = options;
  const template = readTaskTemplate(grant);
  const hasData = dataLoadingOf(template) !== undefined;
  if (hasData && exit.type === "exited" && exit.code === 0) await collectData(folder, template, grant, storage);
  const outputsFile = join(folder.out, OUTPUTS_FILE);
  const outputBytes = await plainFileSize(outputsFile);
  const verdict = judge({
    exit,
    errorDocument: await readError(join(folder.out, ERROR_FILE)),
    outputBytes,
    outputBytesMax: options.outputBytesMax,
    // A raw container that failed never meant to write outputs.pb itself.
    declaresOutputs: declaresOutputs(template) && !hasData,
    hasFutures: (await plainFileSize(join(folder.out, FUTURES_FILE))) !== undefined,
    logEnd: await readEnd(folder.log, LOG_END_BYTES),
  });
  const deckUri = await uploadRest(folder, options);
  const deck = deckUri === undefined ? {} : { deckUri };
  if (verdict.type === "failed") return { ...verdict, startedAtMs, endedAtMs, ...deck };
  const outputs = outputBytes === undefined ? create(LiteralMapSchema) : await readOutputs(outputsFile, options);
  if (!outputs) return { type: "failed", startedAtMs, endedAtMs, failure: unreadableOutputs, ...deck };
  return { type: "succeeded", startedAtMs, endedAtMs, outputs: await outputsValue(outputs, options), ...deck };
}

/** Cut off where it is absurdly long: then it cannot be parsed, which is a failure of its own. */
async function readError(path: string): Promise<Uint8Array | undefined> {
  const size = await plainFileSize(path);
  if (size === undefined) return undefined;
  return (await readPlainFile(path, ERROR_BYTES_MAX)) ?? Buffer.from([0xff]);
}

async function readOutputs(path: string, options: CollectOptions): Promise<LiteralMap | undefined> {
  const bytes = (await readPlainFile(path, options.outputBytesMax)) ?? Buffer.alloc(0);
  try {
    return fromBytes(LiteralMapSchema, bytes);
  } catch {
    return undefined;
  }
}

async function outputsValue(outputs: LiteralMap, { storage, grant }: CollectOptions): Promise<Value> {
  if (storage.rootUri.startsWith("file://")) useStorageUris(outputs, storage.rootUri);
  const bytes = toBytes(LiteralMapSchema, outputs);
  if (bytes.length <= REPORT_OUTPUT_BYTES_MAX) return { data: Buffer.from(bytes).toString("base64") };
  const uri = `${grant.outputPrefix}/${OUTPUTS_FILE}`;
  await storage.put(uri, bytes);
  return { uri, sizeBytes: bytes.length };
}

/** Everything beside outputs and error: the deck, literals that flytekit moved out of outputs.pb. Answers the deck's URI. */
async function uploadRest(folder: AttemptFolder, options: CollectOptions): Promise<string | undefined> {
  const skipped = new Set([OUTPUTS_FILE, ERROR_FILE, FUTURES_FILE]);
  let deckUri: string | undefined;
  for (const name of await listPlainFiles(folder.out)) {
    if (skipped.has(name)) continue;
    const uri = `${options.grant.outputPrefix}/${name}`;
    await upload(join(folder.out, name), uri, options.storage);
    if (name === DECK_FILE) deckUri = uri;
  }
  return deckUri;
}

async function upload(path: string, uri: string, storage: Storage): Promise<void> {
  const opened = await openPlainFile(path);
  if (!opened) return;
  const stream: Readable = opened.file.createReadStream();
  try {
    await storage.put(uri, stream);
  } finally {
    stream.destroy();
    await opened.file.close().catch(() => undefined);
  }
}
