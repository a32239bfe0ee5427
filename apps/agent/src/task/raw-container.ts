import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import type { ClaimGrant } from "@skein/contracts";
import { downloadInputs, type InputFormat, uploadOutputs } from "@skein/copilot";
import { toBytes } from "@skein/idl";
import {
  ContainerError_Kind,
  type DataLoadingConfig,
  DataLoadingConfig_LiteralMapFormat,
  ErrorDocumentSchema,
  ExecutionError_ErrorKind,
  type LiteralMap,
  LiteralMapSchema,
  type TaskTemplate,
} from "@skein/idl/core";
import type { Storage } from "@skein/storage";
import { type AttemptFolder, openUp } from "../ledger/attempt-folder.ts";
import type { Launch } from "../runtimes/runtime.ts";

const INPUT_PATH = "/var/flyte/inputs";
const OUTPUT_PATH = "/var/flyte/outputs";

/** The task's wish to find its inputs as plain files and to leave its outputs so; undefined when it has none. */
export function dataLoadingOf(template: TaskTemplate): DataLoadingConfig | undefined {
  const config = template.target.case === "container" ? template.target.value.dataConfig : undefined;
  return config?.enabled ? config : undefined;
}

const inputFolder = (folder: AttemptFolder): string => join(folder.in, "data");
/** Not below `out`, which is uploaded as it is. */
const outputFolder = (folder: AttemptFolder): string => join(folder.work, ".flyte-outputs");

/** Lays the inputs out, and answers where the task's own paths lead. */
export async function prepareData(
  folder: AttemptFolder,
  config: DataLoadingConfig,
  inputs: LiteralMap,
  storage: Storage,
): Promise<Launch["mounts"]> {
  await downloadInputs(inputFolder(folder), inputs, formatOf(config), storage);
  await mkdir(outputFolder(folder), { recursive: true });
  await openUp(outputFolder(folder));
  return {
    [config.inputPath || INPUT_PATH]: { source: inputFolder(folder), isWritable: false },
    [config.outputPath || OUTPUT_PATH]: { source: outputFolder(folder), isWritable: true },
  };
}

/** Where nothing can be mounted, the command names the real folders instead. */
export function replacePaths(words: readonly string[], mounts: Launch["mounts"]): string[] {
  return words.map((word) =>
    Object.entries(mounts).reduce((text, [path, { source }]) => text.replaceAll(path, source), word),
  );
}

/** Turns the files that the task left into outputs.pb or error.pb. */
export async function collectData(
  folder: AttemptFolder,
  template: TaskTemplate,
  grant: ClaimGrant,
  storage: Storage,
): Promise<void> {
  const declared = template.interface?.outputs;
  const uploaded = await uploadOutputs(outputFolder(folder), declared, grant.rawOutputPrefix, storage);
  if ("outputs" in uploaded) {
    await replaceFile(join(folder.out, "outputs.pb"), toBytes(LiteralMapSchema, uploaded.outputs));
    return;
  }
  const error = {
    code: uploaded.isUsers ? "UserError" : "OutputUploadFailed",
    message: uploaded.problem,
    kind: ContainerError_Kind.NON_RECOVERABLE,
    origin: ExecutionError_ErrorKind.USER,
  };
  const document = create(ErrorDocumentSchema, { error });
  await replaceFile(join(folder.out, "error.pb"), toBytes(ErrorDocumentSchema, document));
}

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
