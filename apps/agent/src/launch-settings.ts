import { homedir } from "node:os";
import { delimiter, dirname } from "node:path";
import type { Storage, StorageOptions } from "@skein/storage";
import type { AgentConfig } from "./config.ts";
import type { AttemptFolder } from "./ledger/attempt-folder.ts";
import { credentialFolders } from "./runtimes/sandbox.ts";
import type { DataPlace } from "./task/data-place.ts";
import type { StoreAccess } from "./task/environment.ts";
import { folderPlace } from "./task/folder-place.ts";
import { seenFromContainer } from "./task/platform.ts";
import type { LaunchSettings } from "./task/prepare-launch.ts";
import { storePlace } from "./task/store-place.ts";

/** How the agent itself reaches the object store. */
export function storageOptions(config: AgentConfig): StorageOptions {
  const { awsAccessKeyId, awsSecretAccessKey, awsSessionToken } = config;
  const session = awsSessionToken === undefined ? {} : { sessionToken: awsSessionToken };
  return {
    uri: config.storage,
    s3: {
      ...(config.s3Endpoint === undefined ? {} : { endpoint: config.s3Endpoint }),
      ...(config.s3Region === undefined ? {} : { region: config.s3Region }),
      ...(awsAccessKeyId === undefined || awsSecretAccessKey === undefined
        ? {}
        : { credentials: { accessKeyId: awsAccessKeyId, secretAccessKey: awsSecretAccessKey, ...session } }),
    },
  };
}

/** What every launch has in common. */
export function launchSettings(config: AgentConfig, storage: Storage): LaunchSettings {
  return {
    place: dataPlace(config, storage),
    store: config.storage.startsWith("s3://") ? storeAccess(config) : undefined,
    apiUrl: taskApiUrl(config),
    base: config.runtime === "process" ? (folder) => processBase(config, folder) : () => containerBase(config),
  };
}

/** Pods share no disk with the agent. */
function dataPlace({ runtime }: AgentConfig, storage: Storage): DataPlace {
  if (runtime === "kubernetes") return storePlace(storage);
  return folderPlace({ storage, canMount: runtime === "docker" });
}

/** In the machine's own network a container sees what a process sees. */
function taskApiUrl({ runtime, apiUrl, taskApiUrl: given, dockerNetwork }: AgentConfig): string {
  if (given !== undefined) return given;
  return runtime === "docker" && dockerNetwork !== "host" ? seenFromContainer(apiUrl) : apiUrl;
}

/** Undefined unless tasks would reach S3 without credentials. A role of the machine may be what is meant, so it is no error. */
export function credentialsProblem(config: AgentConfig): string | undefined {
  if (!config.storage.startsWith("s3://") || storeAccess(config).accessKeyId !== undefined) return undefined;
  return "Tasks get no S3 credentials: set SKEIN_TASK_AWS_ACCESS_KEY_ID and SKEIN_TASK_AWS_SECRET_ACCESS_KEY, or SKEIN_TASK_CREDENTIALS=inherit to give them the agent's";
}

function storeAccess(config: AgentConfig): StoreAccess {
  const place = { endpoint: config.s3Endpoint, region: config.s3Region };
  if (config.taskCredentials === "inherit") {
    return {
      ...place,
      accessKeyId: config.awsAccessKeyId,
      secretAccessKey: config.awsSecretAccessKey,
      sessionToken: config.awsSessionToken,
    };
  }
  return {
    ...place,
    accessKeyId: config.taskAwsAccessKeyId,
    secretAccessKey: config.taskAwsSecretAccessKey,
    sessionToken: config.taskAwsSessionToken,
  };
}

function processBase(config: AgentConfig, folder: AttemptFolder): Record<string, string> {
  return {
    PATH: [...(config.taskPath ?? []), config.path].join(delimiter),
    LANG: config.lang,
    HOME: folder.work,
    TMPDIR: folder.tmp,
    ...(config.tz === undefined ? {} : { TZ: config.tz }),
  };
}

/** An image knows its own PATH and HOME; /tmp is the attempt's. */
function containerBase(config: AgentConfig): Record<string, string> {
  return { LANG: config.lang, ...(config.tz === undefined ? {} : { TZ: config.tz }) };
}

/** What an isolated process must not see, and what it must although it lies in there. */
export function sandboxFolders(config: AgentConfig): { readonly hidden: string[]; readonly programs: string[] } {
  const own = [config.agentHome, ...(config.home === undefined ? [] : [config.home])];
  const hidden = [...own, ...(config.hiddenFolders ?? []), ...credentialFolders(homedir())];
  // A program's folder, `bin`, stands beside its libraries.
  return { hidden, programs: (config.taskPath ?? []).map((folder) => dirname(folder)) };
}
