import type Docker from "dockerode";
import type { AttemptFolder } from "../ledger/attempt-folder.ts";
import { asksForSecrets, SECRETS_FOLDER, secretEnvironment, secretsFolder } from "../secrets/inject.ts";
import { CONTAINERS_HOST } from "../task/platform.ts";
import { readQuantity } from "../task/resources.ts";
import type { ContainerUser } from "./docker-user.ts";
import type { Launch } from "./runtime.ts";

export interface ContainerSettings {
  readonly agentId: string;
  readonly network: string;
  readonly hasReadOnlyRoot: boolean;
}

/** Whose container it is. */
export const AGENT_LABEL = "skein.agent";
/** Which attempt's. */
export const ATTEMPT_LABEL = "skein.attempt";

const PROCESSES_MAX = 4_096;
/** Above the cap of a log in all, so that a restarted agent finds what it has not copied yet. */
const KEPT_LOG = { "max-size": "16m", "max-file": "2" };

export const nameOf = (folder: AttemptFolder): string => `skein-${folder.key}`;

/**
 * A container without any privilege: no capability, no way to gain one, its own processes only. It sees its attempt's
 * folders at the paths they have outside, so that a command means the same in every runtime.
 */
export function containerOptions(
  launch: Launch,
  settings: ContainerSettings,
  user: ContainerUser,
  processors: number,
): Docker.ContainerCreateOptions {
  const { folder, limits } = launch;
  // An account that the image does not know would find its home at "/", or at root's.
  const environment = user.type === "made" ? { HOME: folder.work, ...launch.environment } : launch.environment;
  return {
    name: nameOf(folder),
    Image: launch.image,
    // Kubernetes' rule: a command replaces the entrypoint and its arguments, arguments alone replace only those.
    ...(launch.command.length > 0 ? { Entrypoint: [...launch.command], Cmd: [...launch.args] } : {}),
    ...(launch.command.length === 0 && launch.args.length > 0 ? { Cmd: [...launch.args] } : {}),
    Env: Object.entries({ ...environment, ...secretEnvironment(launch, SECRETS_FOLDER) }).map(
      ([name, value]) => `${name}=${value}`,
    ),
    Labels: { [AGENT_LABEL]: settings.agentId, [ATTEMPT_LABEL]: folder.key },
    ...userOption(user),
    HostConfig: {
      Mounts: mountsOf(launch),
      ...(launch.callsHost ? { ExtraHosts: [`${CONTAINERS_HOST}:host-gateway`] } : {}),
      NetworkMode: settings.network,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      ReadonlyRootfs: settings.hasReadOnlyRoot,
      PidsLimit: PROCESSES_MAX,
      Init: true,
      ...sharedMemory(launch),
      ...(limits.gpus ? { DeviceRequests: [{ Count: limits.gpus, Capabilities: [["gpu"]] }] } : {}),
      LogConfig: { Type: "json-file", Config: KEPT_LOG },
      ...(limits.memoryBytes === undefined ? {} : { Memory: limits.memoryBytes, MemorySwap: limits.memoryBytes }),
      // The daemon refuses more processors than there are.
      ...(limits.cpuMillis === undefined ? {} : { NanoCpus: Math.min(limits.cpuMillis, processors * 1000) * 1e6 }),
    },
  };
}

const SHARED_MEMORY = "/dev/shm";

/** Without a size of its own, shared memory may be as large as the task's memory. */
function sharedMemory({ template, limits }: Launch): Docker.HostConfig {
  const asked = template.extendedResources?.sharedMemory;
  if (!asked) return {};
  const size = readQuantity(asked.sizeLimit) ?? limits.memoryBytes;
  if (size === undefined) return {};
  const path = asked.mountPath || SHARED_MEMORY;
  return path === SHARED_MEMORY ? { ShmSize: Math.round(size) } : { Tmpfs: { [path]: `size=${Math.round(size)}` } };
}

function userOption(user: ContainerUser): { User?: string } {
  switch (user.type) {
    case "image":
      return {};
    case "given":
      return { User: user.user };
    case "made":
      return { User: `${user.uid}:${user.gid}` };
  }
}

function mountsOf({ folder, grant, readable, writable, mounts }: Launch): Docker.MountConfig {
  const bind = (source: string, isWritable: boolean, target = source) => ({
    Type: "bind" as const,
    Source: source,
    Target: target,
    ReadOnly: !isWritable,
  });
  return [
    ...readable.map((path) => bind(path, false)),
    ...writable.map((path) => bind(path, true)),
    bind(folder.in, false),
    bind(folder.out, true),
    bind(folder.work, true),
    bind(folder.tmp, true, "/tmp"),
    ...(asksForSecrets({ grant }) ? [bind(secretsFolder(folder), false, SECRETS_FOLDER)] : []),
    ...Object.entries(mounts).map(([target, { source, isWritable }]) => bind(source, isWritable, target)),
  ];
}
