import { type ChildProcess, spawn } from "node:child_process";
import { type FileHandle, open, readFile, rm, writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import type { ReportedFailure } from "@skein/contracts";
import type { AttemptFolder } from "../ledger/attempt-folder.ts";
import { asksForSecrets, secretEnvironment, secretsFolder, writeSecretFiles } from "../secrets/inject.ts";
import { orAborted } from "./or-aborted.ts";
import { findProcesses, isAlive, type ProcessIdentity, readBootId, startTimeOf } from "./process-identity.ts";
import { ATTEMPT_VARIABLE, type Exit, type Launch, type Runtime } from "./runtime.ts";
import { type Sandbox, sandboxArguments } from "./sandbox.ts";
import { exitOfCode } from "./signals.ts";

const ADOPTED_POLL_MS = 100;
/** The agent before us may have died between the spawn and the supervisor's first line. */
const SUPERVISOR_FIRST_WORDS_MS = 1_000;
const SANDBOX_FILE = "sandbox";
const BOOT_FILE = "boot";

/**
 * Outlives the agent, so that an exit code is never lost: it writes down who it is, runs the task in the foreground and
 * writes down how that ended. Being in the same process group it must not die of the task's SIGTERM; the handler is
 * undone for the task itself. The task is run by `exec` so that a command called `exit` is not the shell's own.
 */
const SUPERVISOR = `folder=$1; shift
line=$$
if [ -r "/proc/$$/stat" ]; then read -r line <"/proc/$$/stat"; fi
echo "$line" >"$folder/pid"
trap : TERM INT HUP
( trap - TERM INT HUP; exec "$@" )
echo "$?" >"$folder/exit"
`;

/** Runs tasks as processes of this machine, each in a session of its own, isolated where bubblewrap works. */
export class ProcessRuntime implements Runtime {
  readonly name = "process";
  readonly #sandbox: Sandbox | undefined;
  readonly #children = new Map<string, Promise<void>>();
  readonly #closed = new AbortController();

  constructor(options: { readonly sandbox: Sandbox | undefined }) {
    this.#sandbox = options.sandbox;
  }

  async start(launch: Launch): Promise<ReportedFailure | undefined> {
    const { folder } = launch;
    const command = [...launch.command, ...launch.args];
    if (command.length === 0) {
      const message = "The task has no command: the process runtime cannot use an image's entrypoint";
      return { code: "InvalidTask", message, kind: "user", recoverable: false };
    }
    const log = await open(folder.log, "a", 0o600);
    let sandboxFile: FileHandle | undefined;
    try {
      await writeSecretFiles(launch);
      sandboxFile = await this.#writeSandboxFile(launch);
      await writeFile(folder.file(BOOT_FILE), (await readBootId()) ?? "");
      const inner = sandboxFile && this.#sandbox ? [this.#sandbox.program, "--args", "3", "--", ...command] : command;
      const child = spawn("/bin/sh", ["-c", SUPERVISOR, "skein-task", folder.path, ...inner], {
        cwd: folder.work,
        detached: true,
        env: this.#environment(launch),
        stdio: ["ignore", log.fd, log.fd, ...(sandboxFile ? [sandboxFile.fd] : [])],
      });
      this.#children.set(folder.key, whenOver(child));
      await whenSpawned(child);
      return undefined;
    } catch (error) {
      this.#children.delete(folder.key);
      const message = `The task's process could not be started: ${(error as Error).message}`;
      return { code: "StartFailed", message, kind: "system", recoverable: true };
    } finally {
      await Promise.all([log.close(), sandboxFile?.close()]);
    }
  }

  async adopt(folder: AttemptFolder): Promise<boolean> {
    const deadline = Date.now() + SUPERVISOR_FIRST_WORDS_MS;
    do {
      if ((await readSupervisor(folder)) !== undefined) return true;
      if ((await readFile(folder.file(BOOT_FILE)).catch(() => undefined)) === undefined) return false;
      await pause(ADOPTED_POLL_MS);
    } while (Date.now() < deadline);
    return false;
  }

  async watch(folder: AttemptFolder): Promise<Exit> {
    const child = this.#children.get(folder.key);
    await orAborted(child ?? this.#untilGone(folder), this.#closed.signal);
    this.#children.delete(folder.key);
    const exit = await readExit(folder);
    await this.#killAll(folder);
    return exit ?? { type: "vanished", message: "The task's process group was killed, and no exit code was left" };
  }

  async stop(folder: AttemptFolder, graceMs: number): Promise<void> {
    const supervisor = await readSupervisor(folder);
    await signalTask(folder, supervisor?.pid);
    const deadline = Date.now() + graceMs;
    while (Date.now() < deadline) {
      if ((await readExit(folder)) !== undefined || !(await isAlive(supervisor))) break;
      await pause(ADOPTED_POLL_MS);
    }
    await this.#killAll(folder);
  }

  async cleanup(folder: AttemptFolder): Promise<void> {
    await this.#killAll(folder);
    this.#children.delete(folder.key);
  }

  async removeOrphans(): Promise<void> {}

  async close(): Promise<void> {
    this.#closed.abort();
  }

  /** Bubblewrap reads its options from a descriptor: on a command line everybody could read the environment. */
  async #writeSandboxFile(launch: Launch): Promise<FileHandle | undefined> {
    if (!this.#sandbox) return undefined;
    const path = launch.folder.file(SANDBOX_FILE);
    const file = await open(path, "w+", 0o600);
    await file.write(sandboxArguments(this.#sandbox, withSecrets(launch)).join("\0"));
    await file.close();
    const readable = await open(path, "r");
    await rm(path);
    return readable;
  }

  /** Isolated tasks get theirs inside: a task's LD_PRELOAD must not steer the supervisor, which stands outside. */
  #environment(launch: Launch): Record<string, string> {
    const mark = { [ATTEMPT_VARIABLE]: launch.folder.key };
    if (this.#sandbox) return { PATH: "/usr/bin:/bin", ...mark };
    return { ...withSecrets(launch).environment, ...mark };
  }

  async #untilGone(folder: AttemptFolder): Promise<void> {
    while (!this.#closed.signal.aborted) {
      if ((await readExit(folder)) !== undefined) return;
      if (!(await isAlive(await readSupervisor(folder)))) return;
      await pause(ADOPTED_POLL_MS);
    }
  }

  /** The group at once; then whoever left it but still carries the attempt's mark. */
  async #killAll(folder: AttemptFolder): Promise<void> {
    const supervisor = await readSupervisor(folder);
    if (supervisor && (await isAlive(supervisor))) sendSignal(-supervisor.pid, "SIGKILL");
    for (const { pid } of await findProcesses(`${ATTEMPT_VARIABLE}=${folder.key}`)) sendSignal(pid, "SIGKILL");
  }
}

/** A process finds its secrets where the agent wrote them; there is no other place that both could name. */
function withSecrets(launch: Launch): Launch {
  if (!asksForSecrets(launch)) return launch;
  const folder = secretsFolder(launch.folder);
  const environment = { ...launch.environment, ...secretEnvironment(launch, folder) };
  return { ...launch, environment, readable: [...launch.readable, folder] };
}

/** To the task's processes, not to those that watch it: their end would be a kill without grace. */
async function signalTask(folder: AttemptFolder, supervisorPid: number | undefined): Promise<void> {
  const processes = await findProcesses(`${ATTEMPT_VARIABLE}=${folder.key}`);
  if (processes.length === 0 && supervisorPid !== undefined) sendSignal(-supervisorPid, "SIGTERM");
  for (const { pid, name } of processes) {
    if (pid !== supervisorPid && name !== "bwrap") sendSignal(pid, "SIGTERM");
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function readSupervisor(folder: AttemptFolder): Promise<ProcessIdentity | undefined> {
  const text = await readFile(folder.file("pid"), "utf8").catch(() => undefined);
  if (text === undefined || !text.endsWith("\n")) return undefined;
  const pid = Number.parseInt(text, 10);
  if (!(pid > 1)) return undefined;
  const startTime = text.includes(")") ? startTimeOf(text.trimEnd()) : undefined;
  if (startTime === undefined) return { pid };
  return { pid, startTime, bootId: await readFile(folder.file(BOOT_FILE), "utf8").catch(() => "") };
}

/** A line that is not whole yet is no exit. */
async function readExit(folder: AttemptFolder): Promise<Exit | undefined> {
  const text = await readFile(folder.file("exit"), "utf8").catch(() => "");
  return /^\d+\n$/.test(text) ? exitOfCode(Number(text)) : undefined;
}

const whenOver = (child: ChildProcess): Promise<void> => new Promise((resolve) => child.once("exit", () => resolve()));

const whenSpawned = (child: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
