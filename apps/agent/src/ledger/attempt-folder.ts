import { constants } from "node:fs";
import { mkdir, open, readFile, rename, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type AttemptId, attemptKey, readAttemptKey } from "@skein/contracts";
import type { z } from "zod";

/**
 * The records of an attempt: what to do, what was granted, what was started, what a connector made for it, that it must
 * stop, what became of it, how much of its log was sent.
 */
export type RecordName = "order" | "grant" | "state" | "connector" | "stop" | "verdict" | "shipped";

const WORK_FOLDER = "work";

/**
 * One attempt's place on disk. User code sees `in` (read-only), `out`, `work` and `tmp`; everything beside them is the
 * agent's own, and outlives it.
 */
export class AttemptFolder {
  readonly id: AttemptId;
  readonly key: string;
  readonly path: string;
  readonly in: string;
  readonly out: string;
  readonly work: string;
  readonly tmp: string;
  /** Standard output and error, as they came. */
  readonly log: string;

  constructor(root: string, id: AttemptId) {
    this.id = id;
    this.key = attemptKey(id);
    this.path = join(root, this.key);
    this.in = join(this.path, "in");
    this.out = join(this.path, "out");
    this.work = join(this.path, WORK_FOLDER);
    this.tmp = join(this.path, "tmp");
    this.log = join(this.path, "log");
  }

  /** A file of the agent's own beside the records. */
  file(name: string): string {
    return join(this.path, name);
  }

  /** Readable by the agent alone: records hold tokens and users' environments. */
  async write(name: RecordName, value: unknown, options: { readonly sync?: boolean } = {}): Promise<void> {
    const path = this.file(`${name}.json`);
    await writeFile(`${path}.new`, JSON.stringify(value), { mode: 0o600, flush: options.sync ?? false });
    await rename(`${path}.new`, path);
  }

  /** Undefined when there is none, or none that can be read. */
  async read<S extends z.ZodType>(name: RecordName, schema: S): Promise<z.output<S> | undefined> {
    try {
      return schema.safeParse(JSON.parse(await readFile(this.file(`${name}.json`), "utf8"))).data;
    } catch {
      return undefined;
    }
  }

  /** Makes the folders that user code sees, writable for whichever user a container runs as. */
  async prepare(): Promise<void> {
    await Promise.all([this.in, this.out, this.work, this.tmp].map((folder) => mkdir(folder, { recursive: true })));
    await Promise.all([this.out, this.work, this.tmp].map((folder) => openUp(folder)));
    const log = await open(this.log, constants.O_CREAT | constants.O_APPEND | constants.O_WRONLY, 0o600);
    await log.close();
  }
}

/** Whether a path is the working folder of some attempt, on this machine or another. */
export const isWorkFolder = (path: string): boolean =>
  basename(path) === WORK_FOLDER && readAttemptKey(basename(dirname(path))) !== undefined;

/** Lets any user write: a container's may be anyone. The umask would cut what `mkdir` is asked for. */
export async function openUp(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_DIRECTORY);
  await handle.chmod(0o777);
  await handle.close();
}
