import { stat } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import type { ReportedFailure } from "@skein/contracts";
import type { Logger } from "@skein/telemetry";
import type Docker from "dockerode";
import type { AttemptFolder } from "../ledger/attempt-folder.ts";
import { writeSecretFiles } from "../secrets/inject.ts";
import { connectDocker } from "./docker-connection.ts";
import { AGENT_LABEL, ATTEMPT_LABEL, type ContainerSettings, containerOptions, nameOf } from "./docker-container.ts";
import { digestOf, ensureImage, type ImageSettings } from "./docker-image.ts";
import { copyLogs } from "./docker-logs.ts";
import { DaemonPulse } from "./docker-pulse.ts";
import { type ContainerUser, chooseUser, giveFolders } from "./docker-user.ts";
import { orAborted } from "./or-aborted.ts";
import type { Exit, Launch, Runtime } from "./runtime.ts";
import { exitOfCode } from "./signals.ts";

export interface DockerSettings extends ContainerSettings, ImageSettings {
  /** `unix:///path` or `tcp://host:port`; the first of the usual sockets unless given. */
  readonly host: string | undefined;
  /** XDG_RUNTIME_DIR, where rootless daemons listen. */
  readonly runtimeFolder?: string | undefined;
  /** SKEIN_DOCKER_USER: `auto`, `image` or `uid[:gid]`. */
  readonly user: string;
}

const RECONNECT_MS = 1_000;
const LOG_END_MS = 5_000;

/** Connects to the daemon; failed_precondition with what to do when none answers. */
export async function openDockerRuntime(settings: DockerSettings, logger?: Logger): Promise<Runtime> {
  const { docker, info } = await connectDocker(settings.host, settings.runtimeFolder);
  const { host, version, cgroupVersion, isRootless } = info;
  logger?.info({ host, version, cgroupVersion, isRootless }, "Tasks run as containers of this daemon");
  return new DockerRuntime(docker, settings, info.processors);
}

/** Runs tasks as containers. A container is found again by its name, which is the attempt's key. */
class DockerRuntime implements Runtime {
  readonly name = "docker";
  readonly #docker: Docker;
  readonly #settings: DockerSettings;
  readonly #processors: number;
  readonly #pulse: DaemonPulse;
  readonly #logs = new Map<string, Promise<void>>();
  readonly #closed = new AbortController();

  constructor(docker: Docker, settings: DockerSettings, processors: number) {
    this.#docker = docker;
    this.#pulse = new DaemonPulse(docker);
    this.#settings = settings;
    this.#processors = processors;
  }

  problem(): string | undefined {
    return this.#pulse.problem;
  }

  async start(launch: Launch): Promise<ReportedFailure | undefined> {
    const failure = await ensureImage(this.#docker, launch.image, this.#settings);
    if (failure) return failure;
    try {
      const user = await this.#userOf(launch.image);
      if (user.type === "made") await giveFolders(launch.folder, user);
      await writeSecretFiles(launch);
      const options = containerOptions(launch, this.#settings, user, this.#processors);
      const container = await this.#docker.createContainer(options);
      await container.start();
    } catch (error) {
      return startFailure(error as Error);
    }
    this.#followLogs(launch.folder, 0);
    return undefined;
  }

  async adopt(folder: AttemptFolder): Promise<boolean> {
    const info = await this.#inspect(folder);
    if (!info || info.State.Status === "created") return false;
    const kept = await stat(folder.log).catch(() => undefined);
    this.#followLogs(folder, kept?.size ?? 0);
    return true;
  }

  async imageDigest(folder: AttemptFolder): Promise<string | undefined> {
    const info = await this.#inspect(folder);
    return info && (await digestOf(this.#docker, info.Config.Image, info.Image));
  }

  async watch(folder: AttemptFolder): Promise<Exit> {
    const exit = await this.#untilExit(folder);
    const logs = this.#logs.get(folder.key) ?? Promise.resolve();
    await Promise.race([logs, pause(LOG_END_MS)]);
    this.#logs.delete(folder.key);
    return exit;
  }

  async stop(folder: AttemptFolder, graceMs: number): Promise<void> {
    await this.#container(folder)
      .stop({ t: Math.ceil(graceMs / 1000) })
      .catch(unless([304, 404]));
  }

  async cleanup(folder: AttemptFolder): Promise<void> {
    await this.#container(folder)
      .remove({ force: true, v: true })
      .catch(unless([404, 409]));
    this.#logs.delete(folder.key);
  }

  async removeOrphans(known: ReadonlySet<string>): Promise<void> {
    const filters = { label: [`${AGENT_LABEL}=${this.#settings.agentId}`] };
    for (const { Id, Labels } of await this.#docker.listContainers({ all: true, filters })) {
      if (known.has(Labels[ATTEMPT_LABEL] ?? "")) continue;
      await this.#docker
        .getContainer(Id)
        .remove({ force: true, v: true })
        .catch(unless([404, 409]));
    }
  }

  async close(): Promise<void> {
    this.#pulse.close();
    this.#closed.abort();
  }

  async #userOf(image: string): Promise<ContainerUser> {
    const { Config } = await this.#docker.getImage(image).inspect();
    const agent = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    return chooseUser(this.#settings.user, Config.User ?? "", agent);
  }

  #container(folder: AttemptFolder): Docker.Container {
    return this.#docker.getContainer(nameOf(folder));
  }

  #inspect(folder: AttemptFolder): Promise<Docker.ContainerInspectInfo | undefined> {
    return this.#container(folder)
      .inspect()
      .catch(unless([404]));
  }

  /** Asks again after the daemon was away: containers may outlive its restart. */
  async #untilExit(folder: AttemptFolder): Promise<Exit> {
    const { signal } = this.#closed;
    for (;;) {
      signal.throwIfAborted();
      try {
        await orAborted(this.#container(folder).wait(), signal);
        const info = await this.#inspect(folder);
        return info ? exitOf(info.State) : gone;
      } catch (error) {
        signal.throwIfAborted();
        if (statusOf(error) === 404) return gone;
        await pause(RECONNECT_MS, undefined, { signal });
      }
    }
  }

  /** Writes what the container prints to the attempt's log, without the first `skip` bytes that are there already. */
  #followLogs(folder: AttemptFolder, skip: number): void {
    this.#logs.set(
      folder.key,
      copyLogs(this.#container(folder), folder.log, skip, this.#closed.signal).catch(() => undefined),
    );
  }
}

const gone: Exit = { type: "vanished", message: "The container is gone: somebody removed it" };

function exitOf(state: Docker.ContainerInspectInfo["State"]): Exit {
  return exitOfCode(state.ExitCode, state.OOMKilled && state.ExitCode !== 0);
}

/** What the task asked for and this machine's Docker cannot do is the task's fault; the rest is the platform's. */
function startFailure(error: Error): ReportedFailure {
  const status = statusOf(error);
  if (NO_GPUS.test(error.message)) return noGpus(error.message);
  const isTasksFault = status === 400 || status === 404 || /executable file not found|no such file/.test(error.message);
  const message = `The container could not be started: ${error.message}`.slice(0, 4_000);
  return isTasksFault
    ? { code: "InvalidTask", message, kind: "user", recoverable: false }
    : { code: "StartFailed", message, kind: "system", recoverable: true };
}

/** Docker's words without the NVIDIA toolkit, with a toolkit without a device, and those of podman. */
const NO_GPUS = /could not select device driver|nvidia-container-cli|unresolvable CDI devices|nvidia\.com\/gpu/i;

const noGpus = (said: string): ReportedFailure => ({
  code: "GpuUnavailable",
  message: `The task asks for GPUs that this machine's Docker does not have: install the NVIDIA container toolkit, or run the task in a pool of machines with GPUs (${said.trim()})`,
  kind: "system",
  recoverable: true,
});

const statusOf = (error: unknown): number | undefined => (error as { statusCode?: number }).statusCode;

const unless =
  (statuses: readonly number[]) =>
  (error: unknown): undefined => {
    if (!statuses.includes(statusOf(error) ?? 0)) throw error;
  };
