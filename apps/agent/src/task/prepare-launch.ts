import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ClaimGrant } from "@skein/contracts";
import { SkeinError } from "@skein/errors";
import { fromBytes, toBytes } from "@skein/idl";
import {
  type Container,
  type LiteralMap,
  LiteralMapSchema,
  type TaskTemplate,
  TaskTemplateSchema,
} from "@skein/idl/core";
import type { Storage } from "@skein/storage";
import { type AttemptFolder, isWorkFolder, openUp } from "../ledger/attempt-folder.ts";
import type { Launch } from "../runtimes/runtime.ts";
import { type StoreAccess, taskEnvironment } from "./environment.ts";
import { localPath, toLocalPaths } from "./file-uris.ts";
import { rewriteUris } from "./literal-uris.ts";
import { CONTAINERS_HOST } from "./platform.ts";
import { dataLoadingOf, prepareData, replacePaths } from "./raw-container.ts";
import { resourceLimits } from "./resources.ts";
import { needsTaskTemplate, renderTemplate, type TemplateValues } from "./template.ts";

/** What the agent's configuration says about every launch. */
export interface LaunchSettings {
  readonly storage: Storage;
  /** Undefined for file storage. */
  readonly store: StoreAccess | undefined;
  /** Where tasks reach the api. */
  readonly apiUrl: string;
  /** Whether tasks can find a folder at another path than its own. */
  readonly canMount: boolean;
  /** The start of a task's environment, for its folder. */
  readonly base: (folder: AttemptFolder) => Readonly<Record<string, string>>;
}

const FILE_SCHEME = "file://";
/** The type of a task that flytekit before 1.11 made of a map. */
export const FORMER_MAP_TYPE = "container_array";
/** Where flytekit unpacks code unless told: folders of the image, which a process lacks and a container's user may not write. */
const IMAGE_CODE_FOLDERS = ["/root", "."];

export const readTaskTemplate = (grant: ClaimGrant): TaskTemplate =>
  fromBytes(TaskTemplateSchema, Buffer.from(grant.taskTemplate, "base64"));

/** Whether outputs.pb must be there in the end. */
export const declaresOutputs = (template: TaskTemplate): boolean =>
  Object.keys(template.interface?.outputs?.variables ?? {}).length > 0;

/** Lays out the attempt's folder and says what to start; a SkeinError says why nothing can be. */
export async function prepareLaunch(
  folder: AttemptFolder,
  grant: ClaimGrant,
  settings: LaunchSettings,
): Promise<Launch> {
  const template = readTaskTemplate(grant);
  const container = containerOf(template);
  await folder.prepare();
  const { inputs, mounts } = await writeInputs(folder, grant, template, settings.storage);
  const words = [...container.command, ...container.args];
  const taskTemplatePath = join(folder.in, "task.pb");
  if (needsTaskTemplate(words)) await writeFile(taskTemplatePath, Buffer.from(grant.taskTemplate, "base64"));
  const values = templateValues(folder, grant, inputs, taskTemplatePath);
  const environment = {
    ...formerEnvironment(folder, template, !settings.canMount),
    ...taskEnvironment({
      grant,
      attempt: folder.id.attempt,
      taskId: template.id,
      container: container.env,
      store: settings.store,
      apiUrl: settings.apiUrl,
      base: settings.base(folder),
    }),
  };
  checkEnvironment(environment);
  const wordsOf = (template: readonly string[]): string[] => {
    const rendered = redirectCode(renderTemplate(template, values), folder.work);
    return settings.canMount ? rendered : replacePaths(rendered, mounts);
  };
  return {
    folder,
    image: container.image,
    command: wordsOf(container.command),
    args: wordsOf(container.args),
    environment,
    callsHost: grant.platform !== null && new URL(settings.apiUrl).hostname === CONTAINERS_HOST,
    limits: resourceLimits(container.resources),
    secrets: [],
    template,
    grant,
    render: wordsOf,
    ...(await storageFolders(grant, settings.storage)),
    mounts,
  };
}

function templateValues(
  folder: AttemptFolder,
  grant: ClaimGrant,
  inputs: LiteralMap,
  taskTemplatePath: string,
): TemplateValues {
  return {
    input: join(folder.in, "inputs.pb"),
    inputPrefix: folder.in,
    outputPrefix: folder.out,
    rawOutputDataPrefix: localPath(grant.rawOutputPrefix),
    checkpointOutputPrefix: `${localPath(grant.rawOutputPrefix)}/_flytecheckpoints`,
    prevCheckpointPrefix:
      grant.previousCheckpointPrefix === null ? undefined : localPath(grant.previousCheckpointPrefix),
    taskTemplatePath,
    namespace: `${grant.project}-${grant.domain}`,
    attemptName: `${grant.runName}-${grant.actionName}-${folder.id.attempt}`,
    inputs,
  };
}

/** No system can pass such names and values on, and a zero byte would let them pose as options of the sandbox. */
function checkEnvironment(environment: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(environment)) {
    if (name !== "" && !/[=\0]/.test(name) && !value.includes("\0")) continue;
    throw new SkeinError(
      "invalid_argument",
      "environment_invalid",
      `The environment variable ${JSON.stringify(name)} cannot be set: a name is not empty and has no "=", and neither name nor value holds a zero byte`,
    );
  }
}

function containerOf(template: TaskTemplate): Container {
  if (template.target.case === "container") return template.target.value;
  throw new SkeinError(
    "unimplemented",
    "task_not_supported",
    `A task of type ${JSON.stringify(template.type)} without a container cannot run on this agent`,
  );
}

async function writeInputs(
  folder: AttemptFolder,
  grant: ClaimGrant,
  template: TaskTemplate,
  storage: Storage,
): Promise<{ inputs: LiteralMap; mounts: Launch["mounts"] }> {
  const bytes = "data" in grant.inputs ? Buffer.from(grant.inputs.data, "base64") : await storage.get(grant.inputs.uri);
  const inputs = fromBytes(LiteralMapSchema, bytes);
  const data = dataLoadingOf(template);
  const mounts = data ? await prepareData(folder, data, inputs, storage) : {};
  rewriteUris(inputs, toLocalPaths(storage.rootUri));
  await writeFile(join(folder.in, "inputs.pb"), toBytes(LiteralMapSchema, inputs));
  return { inputs, mounts };
}

/**
 * flytekit before 1.11 counts on its image to look for code in the folder where it unpacks it; later ones say so
 * themselves. A process has no image; a container keeps what its image says, except for a map.
 */
function formerEnvironment(folder: AttemptFolder, { type }: TaskTemplate, isProcess: boolean): Record<string, string> {
  if (isProcess) return { PYTHONPATH: folder.work };
  return type === FORMER_MAP_TYPE ? { PYTHONPATH: `${folder.work}:/root` } : {};
}

/** Code goes into the attempt's own folder; flytekit puts it on PYTHONPATH from there. */
function redirectCode(words: readonly string[], work: string): string[] {
  return words.map((word, at) => (words[at - 1] === "--dest-dir" && isElsewhere(word) ? work : word));
}

/** What an eager task registers names the folder of the attempt that the task ran in. */
const isElsewhere = (folder: string): boolean => IMAGE_CODE_FOLDERS.includes(folder) || isWorkFolder(folder);

/** With file storage a task reads all of it, as it would read a bucket, but writes its own place only. */
async function storageFolders(grant: ClaimGrant, storage: Storage): Promise<Pick<Launch, "readable" | "writable">> {
  if (!storage.rootUri.startsWith(FILE_SCHEME)) return { readable: [], writable: [] };
  const readable = [localPath(storage.rootUri)];
  // A run may name a place of its own for raw outputs; one outside of our storage is not ours to open up.
  if (!grant.rawOutputPrefix.startsWith(`${storage.rootUri}/`)) return { readable, writable: [] };
  const raw = localPath(storage.join(grant.rawOutputPrefix.slice(storage.rootUri.length + 1)));
  await mkdir(raw, { recursive: true });
  await openUp(raw);
  return { readable, writable: [raw] };
}
