import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ClaimGrant } from "@skein/contracts";
import {
  type DataFailure,
  downloadInputs,
  errorDocument,
  type InputFormat,
  openStores,
  readErrorFile,
  uploadOutputs,
} from "@skein/copilot";
import { SkeinError } from "@skein/errors";
import { toBytes } from "@skein/idl";
import {
  type DataLoadingConfig,
  DataLoadingConfig_LiteralMapFormat,
  type LiteralMap,
  LiteralMapSchema,
  type TaskTemplate,
} from "@skein/idl/core";
import type { Storage } from "@skein/storage";
import { type AttemptFolder, openUp } from "../ledger/attempt-folder.ts";
import type { Exit, Launch } from "../runtimes/runtime.ts";

const INPUT_PATH = "/var/flyte/inputs";
const OUTPUT_PATH = "/var/flyte/outputs";

/** The reason of an error that kept a raw container's inputs from it. */
export const INPUT_DOWNLOAD_FAILED = "input_download_failed";

/** The task's wish to find its inputs as plain files and to leave its outputs so; undefined when it has none. */
export function dataLoadingOf(template: TaskTemplate): DataLoadingConfig | undefined {
  const { target } = template;
  const config = target.case === "container" || target.case === "k8sPod" ? target.value.dataConfig : undefined;
  return config?.enabled ? config : undefined;
}

const inputFolder = (folder: AttemptFolder): string => join(folder.in, "data");
/** Not below `out`, which is uploaded as it is. */
const outputFolder = (folder: AttemptFolder): string => join(folder.work, ".flyte-outputs");

export interface DataToPrepare {
  readonly config: DataLoadingConfig;
  readonly inputs: LiteralMap;
  readonly storage: Storage;
  /** Whether the task finds a folder at another path than its own. */
  readonly canMount: boolean;
}

/** Lays the inputs out, and answers where the task's own paths lead. */
export async function prepareData(folder: AttemptFolder, data: DataToPrepare): Promise<Launch["mounts"]> {
  const { config, inputs, storage, canMount } = data;
  const inputPath = config.inputPath || INPUT_PATH;
  const seenAs = canMount ? inputPath : inputFolder(folder);
  const options = {
    folder: inputFolder(folder),
    seenAs,
    inputs,
    format: formatOf(config),
    stores: openStores(storage),
  };
  await downloadInputs(options).catch((error: unknown) => {
    const code = error instanceof SkeinError ? error.code : "internal";
    const message = `The inputs could not be brought: ${error instanceof Error ? error.message : String(error)}`;
    throw new SkeinError(code, INPUT_DOWNLOAD_FAILED, message, { cause: error });
  });
  await mkdir(outputFolder(folder), { recursive: true });
  await openUp(outputFolder(folder));
  return {
    [inputPath]: { source: inputFolder(folder), isWritable: false },
    [config.outputPath || OUTPUT_PATH]: { source: outputFolder(folder), isWritable: true },
  };
}

/** Where nothing can be mounted, the command names the real folders instead: the path itself and all below it. */
export function replacePaths(words: readonly string[], mounts: Launch["mounts"]): string[] {
  const sources = new Map(Object.entries(mounts).map(([path, { source }]) => [path.replace(/\/+$/, ""), source]));
  if (sources.size === 0) return [...words];
  const paths = [...sources.keys()].sort((a, b) => b.length - a.length).map((path) => path.replace(/\W/g, "\\$&"));
  const whole = new RegExp(`(?<![\\w./-])(?:${paths.join("|")})(?![\\w-]|\\.\\w)`, "g");
  return words.map((word) => word.replace(whole, (path) => sources.get(path) ?? path));
}

/**
 * Turns the files that the task left into outputs.pb or error.pb. After an exit that says itself what went wrong, only the
 * program's own word that it failed says more.
 */
export async function collectData(
  folder: AttemptFolder,
  template: TaskTemplate,
  grant: ClaimGrant,
  storage: Storage,
  exit: Exit,
): Promise<void> {
  const left = outputFolder(folder);
  if (exit.type !== "exited" || exit.code !== 0) {
    const problem = await readErrorFile(left);
    if (problem !== undefined) await writeError(folder, { problem, isUsers: true });
    return;
  }
  try {
    const uploaded = await uploadOutputs({
      folder: left,
      declared: template.interface?.outputs,
      rawPrefix: grant.rawOutputPrefix,
      stores: openStores(storage),
    });
    if ("problem" in uploaded) await writeError(folder, uploaded);
    else await replaceFile(join(folder.out, "outputs.pb"), toBytes(LiteralMapSchema, uploaded.outputs));
  } catch (error) {
    // A store that did not answer is asked again; one that cannot be meant never will be.
    if (!(error instanceof SkeinError) || error.code !== "invalid_argument") throw error;
    await writeError(folder, { step: "OutputUploadFailed", error });
  }
}

const writeError = (folder: AttemptFolder, failure: DataFailure): Promise<void> =>
  replaceFile(join(folder.out, "error.pb"), errorDocument(failure));

/** The task may have left a link of that name: it is removed, never written through. */
async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await writeFile(path, bytes, { flag: "wx" });
}

function formatOf(config: DataLoadingConfig): InputFormat {
  switch (config.format) {
    case DataLoadingConfig_LiteralMapFormat.YAML:
      return "yaml";
    case DataLoadingConfig_LiteralMapFormat.PROTO:
      return "proto";
    default:
      return "json";
  }
}
