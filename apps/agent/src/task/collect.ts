import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { type ClaimGrant, type Outcome, REPORT_OUTPUT_BYTES_MAX, type ReportedFailure } from "@skein/contracts";
import { fromBytes, toBytes } from "@skein/idl";
import { DynamicJobSpecSchema, ErrorDocumentSchema, LiteralMapSchema } from "@skein/idl/core";
import type { AttemptFolder } from "../ledger/attempt-folder.ts";
import type { Exit } from "../runtimes/runtime.ts";
import type { DataPlace, Results } from "./data-place.ts";
import { makePortable } from "./dynamic-spec.ts";
import { rewriteUris } from "./literal-uris.ts";
import { declaresOutputs, readTaskTemplate } from "./prepare-launch.ts";
import { dataLoadingOf } from "./raw-container.ts";
import { readEnd } from "./read-remains.ts";
import { ERROR_FILE, FUTURES_FILE, OUTPUTS_FILE } from "./result-files.ts";
import { judge } from "./verdict.ts";

export interface CollectOptions {
  readonly place: DataPlace;
  readonly grant: ClaimGrant;
  readonly outputBytesMax: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

const ERROR_BYTES_MAX = 4 * 1024 * 1024;
/** Some 5,000 nodes with all that their tasks say fit ten times. */
const FUTURES_BYTES_MAX = 100 * 1024 * 1024;
const UPLOAD_FAILURE = "OutputUploadFailed";
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

/** Reads what user code left, has it in the object store and says what became of the attempt. */
export async function collect(folder: AttemptFolder, exit: Exit, options: CollectOptions): Promise<Outcome> {
  const { place, grant, startedAtMs, endedAtMs } = options;
  const template = readTaskTemplate(grant);
  const results = await place.gather(folder, grant, template, exit);
  // What a raw container's outputs are is known once it ended well: until then its files may be half written.
  const isMeant = !dataLoadingOf(template) || (exit.type === "exited" && exit.code === 0);
  const [errorDocument, outputBytes, futuresBytes, deckUri, logEnd] = await Promise.all([
    readError(results),
    results.sizeOf(OUTPUTS_FILE),
    results.sizeOf(FUTURES_FILE),
    results.keepRest(),
    readEnd(folder.log, LOG_END_BYTES),
  ]);
  const verdict = judge({
    exit,
    errorDocument: isMeant || !isUploadFailure(errorDocument) ? errorDocument : undefined,
    outputBytes: isMeant ? outputBytes : undefined,
    outputBytesMax: options.outputBytesMax,
    declaresOutputs: isMeant && declaresOutputs(template),
    hasFutures: futuresBytes !== undefined,
    logEnd,
  });
  const ended = { startedAtMs, endedAtMs, ...(deckUri === undefined ? {} : { deckUri }) };
  if (verdict.type === "failed") return { ...verdict, ...ended };
  const result =
    verdict.type === "expanded" ? await collectFutures(results) : await collectOutputs(results, outputBytes, options);
  return "failure" in result ? { type: "failed", ...result, ...ended } : { type: "succeeded", ...result, ...ended };
}

type Result =
  | { readonly failure: ReportedFailure }
  | Pick<Extract<Outcome, { type: "succeeded" }>, "outputs" | "futures">;

async function collectOutputs(
  results: Results,
  sizeBytes: number | undefined,
  { outputBytesMax }: CollectOptions,
): Promise<Result> {
  if (sizeBytes === undefined) return { outputs: inline(toBytes(LiteralMapSchema, create(LiteralMapSchema))) };
  const written = await results.read(OUTPUTS_FILE, outputBytesMax);
  const outputs = written && parsed(LiteralMapSchema, written);
  if (!outputs) return { failure: unreadableOutputs };
  rewriteUris(outputs, results.outwards);
  const bytes = toBytes(LiteralMapSchema, outputs);
  if (bytes.length <= REPORT_OUTPUT_BYTES_MAX) return { outputs: inline(bytes) };
  return { outputs: { uri: await results.keep(OUTPUTS_FILE, bytes), sizeBytes: bytes.length } };
}

const inline = (bytes: Uint8Array) => ({ data: Buffer.from(bytes).toString("base64") });

/** Has the workflow that the task wrote in the object store, in words that hold for any agent. */
async function collectFutures(results: Results): Promise<Result> {
  const written = await results.read(FUTURES_FILE, FUTURES_BYTES_MAX);
  const spec = written && parsed(DynamicJobSpecSchema, written);
  if (!spec) return { failure: unreadableFutures };
  makePortable(spec, results.outwards, results.codeFolder);
  const portable = toBytes(DynamicJobSpecSchema, spec);
  const uri = await results.keep(FUTURES_FILE, portable);
  return { outputs: { data: "" }, futures: { uri, sizeBytes: portable.length } };
}

/** Cut off where it is absurdly long: then it cannot be parsed, which is a failure of its own. */
async function readError(results: Results): Promise<Uint8Array | undefined> {
  if ((await results.sizeOf(ERROR_FILE)) === undefined) return undefined;
  return (await results.read(ERROR_FILE, ERROR_BYTES_MAX)) ?? Buffer.from([0xff]);
}

/** Copilot says so of outputs that are missing, as they are when the task itself failed. */
const isUploadFailure = (errorDocument: Uint8Array | undefined): boolean =>
  errorDocument !== undefined && parsed(ErrorDocumentSchema, errorDocument)?.error?.code === UPLOAD_FAILURE;

function parsed<S extends DescMessage>(schema: S, bytes: Uint8Array): MessageShape<S> | undefined {
  try {
    return fromBytes(schema, bytes);
  } catch {
    return undefined;
  }
}
