import { join } from "node:path";
import type { Readable } from "node:stream";
import { type Outcome, REPORT_OUTPUT_BYTES_MAX, type Value } from "@skein/contracts";
import type { Storage } from "@skein/storage";
import type { AttemptFolder } from "../ledger/attempt-folder.ts";
import type { Exit } from "../runtimes/runtime.ts";
import { listPlainFiles, openPlainFile, plainFileSize, readEnd, readPlainFile } from "./read-remains.ts";
import { judge } from "./verdict.ts";

export interface CollectOptions {
  readonly storage: Storage;
  /** Where the attempt's metadata goes. */
  readonly outputPrefix: string;
  readonly declaresOutputs: boolean;
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
const EMPTY_LITERAL_MAP = { data: "" };

/** Reads what user code left, moves it to the object store and says what became of the attempt. */
export async function collect(folder: AttemptFolder, exit: Exit, options: CollectOptions): Promise<Outcome> {
  const { startedAtMs, endedAtMs } = options;
  const outputs = join(folder.out, OUTPUTS_FILE);
  const outputBytes = await plainFileSize(outputs);
  const verdict = judge({
    exit,
    errorDocument: await readError(join(folder.out, ERROR_FILE)),
    outputBytes,
    outputBytesMax: options.outputBytesMax,
    declaresOutputs: options.declaresOutputs,
    hasFutures: (await plainFileSize(join(folder.out, FUTURES_FILE))) !== undefined,
    logEnd: await readEnd(folder.log, LOG_END_BYTES),
  });
  const deckUri = await uploadRest(folder, options);
  const deck = deckUri === undefined ? {} : { deckUri };
  if (verdict.type === "failed") return { ...verdict, startedAtMs, endedAtMs, ...deck };
  const value = outputBytes === undefined ? EMPTY_LITERAL_MAP : await outputsValue(outputs, outputBytes, options);
  return { type: "succeeded", startedAtMs, endedAtMs, outputs: value, ...deck };
}

/** Cut off where it is absurdly long: then it cannot be parsed, which is a failure of its own. */
async function readError(path: string): Promise<Uint8Array | undefined> {
  const size = await plainFileSize(path);
  if (size === undefined) return undefined;
  return (await readPlainFile(path, ERROR_BYTES_MAX)) ?? Buffer.from([0xff]);
}

async function outputsValue(path: string, sizeBytes: number, options: CollectOptions): Promise<Value> {
  if (sizeBytes <= REPORT_OUTPUT_BYTES_MAX) {
    const bytes = await readPlainFile(path, REPORT_OUTPUT_BYTES_MAX);
    return { data: Buffer.from(bytes ?? []).toString("base64") };
  }
  const uri = `${options.outputPrefix}/${OUTPUTS_FILE}`;
  await upload(path, uri, options.storage);
  return { uri, sizeBytes };
}

/** Everything beside outputs and error: the deck, literals that flytekit moved out of outputs.pb. Answers the deck's URI. */
async function uploadRest(folder: AttemptFolder, options: CollectOptions): Promise<string | undefined> {
  const skipped = new Set([OUTPUTS_FILE, ERROR_FILE, FUTURES_FILE]);
  let deckUri: string | undefined;
  for (const name of await listPlainFiles(folder.out)) {
    if (skipped.has(name)) continue;
    const uri = `${options.outputPrefix}/${name}`;
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
