import { homedir } from "node:os";
import { delimiter, dirname } from "node:path";
import type { Storage } from "@skein/storage";
import type { AgentConfig } from "./config.ts";
import type { AttemptFolder } from "./ledger/attempt-folder.ts";
import { credentialFolders } from "./runtimes/sandbox.ts";
import type { DataPlace } from "./task/data-place.ts";
import { folderPlace } from "./task/folder-place.ts";
import { seenFromContainer } from "./task/platform.ts";
import type { LaunchSettings } from "./task/prepare-launch.ts";
import { storePlace } from "./task/store-place.ts";
import { taskStoreAccess } from "./task-store-access.ts";

/** What every launch has in common. */
export function launchSettings(config: AgentConfig, storage: Storage): LaunchSettings {
  return {
    place: dataPlace(config, storage),
    store: taskStoreAccess(config),
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
