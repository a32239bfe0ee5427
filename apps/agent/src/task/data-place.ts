import type { ClaimGrant } from "@skein/contracts";
import type { TaskTemplate } from "@skein/idl/core";
import type { AttemptFolder } from "../ledger/attempt-folder.ts";
import type { Exit, Launch } from "../runtimes/runtime.ts";
import type { UriRewrite } from "./literal-uris.ts";
import type { TemplateValues } from "./template.ts";

/** What user code finds, in its own words. */
export interface Layout extends Pick<Launch, "mounts" | "readable" | "writable"> {
  readonly values: TemplateValues;
  /** Variables that the place needs; everything else wins over them. */
  readonly environment: Readonly<Record<string, string>>;
  /** Corrects words of the command that mean something else here. */
  readonly adapt: (words: readonly string[]) => string[];
}

/** What user code left, by the names of its files. */
export interface Results {
  /** Undefined when there is no such file. */
  sizeOf(name: string): Promise<number | undefined>;
  /** Undefined when there is no such file, or when it is larger than `bytesMax`. */
  read(name: string, bytesMax: number): Promise<Uint8Array | undefined>;
  /** Frees values from folders that only the task knows. */
  readonly outwards: UriRewrite;
  /** Where the task's code was put; undefined when that is the image's own affair. */
  readonly codeFolder: string | undefined;
  /** Has a file in the object store as `bytes`, which is what it says once values were freed; answers its URI. */
  keep(name: string, bytes: Uint8Array): Promise<string>;
  /** Has everything else in the object store; answers the URI of the deck, where there is one. */
  keepRest(): Promise<string | undefined>;
}

/** Where user code finds its inputs and leaves its results: a folder of this machine, or the object store. */
export interface DataPlace {
  /** Whether what user code reads and writes goes with this machine's disk. */
  readonly isOnDisk: boolean;
  /** Whether a task may be a pod of several containers. */
  readonly takesPods: boolean;
  /** Lays the inputs out. Doing it again is harmless until user code was started. */
  layOut(folder: AttemptFolder, grant: ClaimGrant, template: TaskTemplate): Promise<Layout>;
  /** Called once user code is over. */
  gather(folder: AttemptFolder, grant: ClaimGrant, template: TaskTemplate, exit: Exit): Promise<Results>;
}

/** The type of a task that flytekit before 1.11 made of a map. */
export const FORMER_MAP_TYPE = "container_array";

/** An item of a map of flytekit before 1.11 leaves its results in a folder of its own; empty for all others. */
export const resultFolder = ({ type }: TaskTemplate, { arrayIndex }: ClaimGrant): string =>
  type === FORMER_MAP_TYPE && arrayIndex !== null ? `${arrayIndex}/` : "";
