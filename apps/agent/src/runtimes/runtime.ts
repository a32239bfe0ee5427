import type { ClaimGrant, ReportedFailure, RUNTIMES } from "@skein/contracts";
import type { TaskTemplate } from "@skein/idl/core";
import type { AttemptFolder } from "../ledger/attempt-folder.ts";

/** A secret's value, and how the task expects to find it. */
export interface TaskSecret {
  readonly group: string;
  readonly version: string;
  readonly key: string;
  readonly value: Uint8Array;
  /** Variables that hold the value. */
  readonly variables: readonly string[];
  /** Below the folder of secrets, `<group>/[<version>/]<key>`; undefined when it must not be a file. */
  readonly file: string | undefined;
  /** A variable that holds the file's path. */
  readonly fileVariable: string | undefined;
}

/** All that a runtime needs to start user code. Every path is absolute and the same inside and outside. */
export interface Launch {
  readonly folder: AttemptFolder;
  readonly image: string;
  /** Instead of the image's entrypoint; empty keeps it. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  /** The whole environment of the task. */
  readonly environment: Readonly<Record<string, string>>;
  /** Whether it calls a server on this very machine, which a container knows under a name of its own. */
  readonly callsHost: boolean;
  readonly limits: { readonly cpuMillis?: number; readonly memoryBytes?: number; readonly gpus?: number };
  /** Never in `environment`: a runtime hands them over in a way that nobody else can read. */
  readonly secrets: readonly TaskSecret[];
  readonly template: TaskTemplate;
  readonly grant: ClaimGrant;
  /** Fills in the command template's words (`{{.input}}`), for containers beside the first one. */
  readonly render: (words: readonly string[]) => string[];
  /** Folders of file storage that the task may read. */
  readonly readable: readonly string[];
  /** Folders of file storage that the task may also write. */
  readonly writable: readonly string[];
  /** More mounts, path inside → path outside; only containers can have them. */
  readonly mounts: Readonly<Record<string, { readonly source: string; readonly isWritable: boolean }>>;
}

/** How user code ended. `vanished`: nobody saw its end, or it never began. */
export type Exit =
  | { readonly type: "exited"; readonly code: number }
  | { readonly type: "killed"; readonly signal: string; readonly isOutOfMemory: boolean }
  | { readonly type: "vanished"; readonly message: string }
  /** The runtime knows better than an exit code: the image cannot be pulled, the node is gone, … */
  | { readonly type: "failed"; readonly failure: ReportedFailure };

/**
 * Starts user code and keeps hold of it by the attempt's folder alone, so that the next agent process can go on where
 * this one stopped. Nothing of the agent's own environment, descriptors or folders reaches the task.
 */
export interface Runtime {
  readonly name: (typeof RUNTIMES)[number];
  /**
   * Called once per folder, except by an agent that lost its disk in between. Resolves when user code was started, or with
   * the failure that kept it from that.
   */
  start(launch: Launch): Promise<ReportedFailure | undefined>;
  /** Why an attempt that was started does not run yet, in words for people; called when that changes. */
  onWaiting?: (folder: AttemptFolder, reason: string) => void;
  /** Takes over what an earlier agent process started; false when there is nothing to watch and no exit to read. */
  adopt(folder: AttemptFolder): Promise<boolean>;
  /**
   * Resolves with the moment at which user code of a started or adopted folder began (epoch ms), once it did; with undefined
   * when it is over without having run. Rejects only when `close` comes first. Without it user code runs as soon as `start`
   * resolves.
   */
  whenRunning?(folder: AttemptFolder): Promise<number | undefined>;
  /** What the name of the running image stood for, `sha256:…`; asked once user code runs. */
  imageDigest?(folder: AttemptFolder): Promise<string | undefined>;
  /** Resolves when user code ended; for a folder that was started or adopted. Rejects only when `close` comes first. */
  watch(folder: AttemptFolder): Promise<Exit>;
  /**
   * Resolves when all that an ended attempt printed is in its log, as far as that can be had. Without it the log is whole
   * when `watch` resolves. Rejects only when `close` comes first.
   */
  whenLogged?(folder: AttemptFolder): Promise<void>;
  /** Asks user code to end and kills it `graceMs` later; `watch` tells when it is over. */
  stop(folder: AttemptFolder, graceMs: number): Promise<void>;
  /** Kills what still runs and removes what the runtime keeps outside the folder. Harmless when nothing is left. */
  cleanup(folder: AttemptFolder): Promise<void>;
  /** Removes what belongs to attempts of this agent that are not in `known`. */
  removeOrphans(known: ReadonlySet<string>): Promise<void>;
  /** What keeps it from starting anything, in words for people; undefined while all is well. */
  problem?(): string | undefined;
  /** Lets go of user code without ending it. */
  close(): Promise<void>;
}

/** The environment entry that marks the processes of an attempt. */
export const ATTEMPT_VARIABLE = "SKEIN_ATTEMPT";
