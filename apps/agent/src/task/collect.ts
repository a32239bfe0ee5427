import { join } from "node:path";
import type { Readable } from "node:stream";
import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import {
  type ClaimGrant,
  DECK_FILE,
  type Outcome,
  REPORT_OUTPUT_BYTES_MAX,
  type ReportedFailure,
  type Value,
} from "@skein/contracts";
import { fromBytes, toBytes } from "@skein/idl";
import { DynamicJobSpecSchema, type LiteralMap, LiteralMapSchema, type TaskTemplate } from "@skein/idl/core";
import type { Storage } from "@skein/storage";
import type { AttemptFolder } from "../ledger/attempt-folder.ts";
import type { Exit } from "../runtimes/runtime.ts";
import { makePortable } from "./dynamic-spec.ts";
import { toStorageUris } from "./file-uris.ts";
import { rewriteUris, type UriRewrite } from "./literal-uris.ts";
import { declaresOutputs, FORMER_MAP_TYPE, readTaskTemplate } from "./prepare-launch.ts";
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
const ERROR_BYTES_MAX = 4 * 1024 * 1024;
/** Some 5,000 nodes with all that their tasks say fit ten times. */
const FUTURES_BYTES_MAX = 100 * 1024 * 1024;
const LOG_END_BYTES = 2 * 1024;

const unreadableOutputs: ReportedFailure = {
  code: "OutputsInvalid",
  message: "The task wrote an outputs.pb that is no LiteralMap",
  kind: "user",
  recoverable: false,
};
const unreadableFutures: ReportedFailure = {
  code: "FuturesInvalid",
  message: `The task wrote a futures.pb that is no DynamicJobSpec of at most ${FUTURES_BYTES_MAX} bytes`,
  kind: "system",
  recoverable: true,
};

/** Reads what user code left, moves it to the object store and says what became of the attempt. */
export async function collect(folder: AttemptFolder, exit: Exit, options: CollectOptions): Promise<Outcome> {
  const { storage, grant, startedAtMs, endedAtMs } = options;
  const template = readTaskTemplate(grant);
  const hasData = dataLoadingOf(template) !== undefined;
  if (hasData && exit.type === "exited" && exit.code === 0) await collectData(folder, template, grant, storage);
  const left = resultFolder(folder, template, grant);
  const verdict = judge({
    exit,
    errorDocument: await readError(join(left, ERROR_FILE)),
    outputBytes: await plainFileSize(join(left, OUTPUTS_FILE)),
    outputBytesMax: options.outputBytesMax,
    // A raw container that failed never meant to write outputs.pb itself.
    declaresOutputs: declaresOutputs(template) && !hasData,
    hasFutures: (await plainFileSize(join(folder.out, FUTURES_FILE))) !== undefined,
    logEnd: await readEnd(folder.log, LOG_END_BYTES),
  });
  const deckUri = await uploadRest(folder, options);
  const ended = { startedAtMs, endedAtMs, ...(deckUri === undefined ? {} : { deckUri }) };
  if (verdict.type === "failed") return { ...verdict, ...ended };
  const result =
    verdict.type === "expanded" ? await collectFutures(folder, options) : await collectOutputs(folder, left, options);
  return "failure" in result ? { type: "failed", ...result, ...ended } : { type: "succeeded", ...result, ...ended };
}

type Result =
  | { readonly failure: ReportedFailure }
  | Pick<Extract<Outcome, { type: "succeeded" }>, "outputs" | "futures">;

/** An item of a map of flytekit before 1.11 leaves its results in a folder of its own. */
const resultFolder = ({ out }: AttemptFolder, { type }: TaskTemplate, { arrayIndex }: ClaimGrant): string =>
  type === FORMER_MAP_TYPE && arrayIndex !== null ? join(out, String(arrayIndex)) : out;

async function collectOutputs(folder: AttemptFolder, left: string, options: CollectOptions): Promise<Result> {
  const path = join(left, OUTPUTS_FILE);
  if ((await plainFileSize(path)) === undefined)
    return { outputs: await outputsValue(create(LiteralMapSchema), options) };
  const outputs = await readOutputs(path, options);
  if (!outputs) return { failure: unreadableOutputs };
  rewriteUris(outputs, outwards(folder, options));
  return { outputs: await outputsValue(outputs, options) };
}

/** Moves the workflow that the task wrote to the object store, in words that hold for any agent. */
async function collectFutures(folder: AttemptFolder, options: CollectOptions): Promise<Result> {
  const bytes = await readPlainFile(join(folder.out, FUTURES_FILE), FUTURES_BYTES_MAX);
  const spec = bytes && parsed(DynamicJobSpecSchema, bytes);
  if (!spec) return { failure: unreadableFutures };
  makePortable(spec, outwards(folder, options), folder.work);
  const portable = toBytes(DynamicJobSpecSchema, spec);
  const uri = `${options.grant.outputPrefix}/${FUTURES_FILE}`;
  await options.storage.put(uri, portable);
  return { outputs: { data: "" }, futures: { uri, sizeBytes: portable.length } };
}

const outwards = ({ out }: AttemptFolder, { storage, grant }: CollectOptions): UriRewrite =>
  toStorageUris({ rootUri: storage.rootUri, out, outputPrefix: grant.outputPrefix });

/** Cut off where it is absurdly long: then it cannot be parsed, which is a failure of its own. */
async function readError(path: string): Promise<Uint8Array | undefined> {
  const size = await plainFileSize(path);
  if (size === undefined) return undefined;
  return (await readPlainFile(path, ERROR_BYTES_MAX)) ?? Buffer.from([0xff]);
}

async function readOutputs(path: string, options: CollectOptions): Promise<LiteralMap | undefined> {
  const bytes = (await readPlainFile(path, options.outputBytesMax)) ?? Buffer.alloc(0);
  return parsed(LiteralMapSchema, bytes);
}

function parsed<S extends DescMessage>(schema: S, bytes: Uint8Array): MessageShape<S> | undefined {
  try {
    return fromBytes(schema, bytes);
  } catch {
    return undefined;
  }
}

async function outputsValue(outputs: LiteralMap, { storage, grant }: CollectOptions): Promise<Value> {
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
