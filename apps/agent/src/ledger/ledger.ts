import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { type AttemptOrder, readAttemptKey } from "@skein/contracts";
import { invariant, SkeinError } from "@skein/errors";
import { isAlive, processIdentity } from "../runtimes/process-identity.ts";
import { AttemptFolder } from "./attempt-folder.ts";

/**
 * What this agent took, on disk. An attempt's folder is made before anything is started for it and never twice, so a
 * second delivery of its order starts nothing, whatever happened in between.
 */
export class Ledger {
  readonly #home: string;
  readonly #root: string;

  private constructor(home: string) {
    this.#home = home;
    this.#root = join(home, "attempts");
  }

  /** Takes the folder for this process; failed_precondition when another agent lives in it. */
  static async open(home: string): Promise<Ledger> {
    const ledger = new Ledger(home);
    await mkdir(ledger.#root, { recursive: true, mode: 0o700 });
    await ledger.#lock();
    return ledger;
  }

  /** The agent's name, made up at the first start. */
  async agentId(): Promise<string> {
    const path = join(this.#home, "agent-id");
    const kept = await readFile(path, "utf8").catch(() => undefined);
    if (kept !== undefined && kept !== "") return kept;
    const host = hostname()
      .replace(/[^a-zA-Z0-9.-]/g, "-")
      .replace(/^[^a-zA-Z0-9]+/, "")
      .slice(0, 100);
    const id = `${host || "agent"}-${randomBytes(3).toString("hex")}`;
    await writeFile(path, id, { mode: 0o600 });
    return id;
  }

  async list(): Promise<AttemptFolder[]> {
    const ids = (await readdir(this.#root)).map(readAttemptKey);
    return ids.flatMap((id) => (id === undefined ? [] : [new AttemptFolder(this.#root, id)]));
  }

  /** Undefined when this attempt was taken before. Survives a power cut: the order is the only copy of its token. */
  async create(order: AttemptOrder): Promise<AttemptFolder | undefined> {
    const folder = new AttemptFolder(this.#root, order);
    try {
      await mkdir(folder.path, { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return undefined;
      throw error;
    }
    await folder.write("order", order, { sync: true });
    return folder;
  }

  async remove(folder: AttemptFolder): Promise<void> {
    invariant(
      dirname(folder.path) === this.#root && readAttemptKey(folder.key) !== undefined,
      `${folder.path} is no attempt of ${this.#root}`,
    );
    await rm(folder.path, { recursive: true, force: true, maxRetries: 3 });
  }

  /** Lets the next agent in. */
  async close(): Promise<void> {
    await rm(this.#lockFile, { force: true });
  }

  get #lockFile(): string {
    return join(this.#home, "agent.lock");
  }

  async #lock(): Promise<void> {
    const own = JSON.stringify(await processIdentity(process.pid));
    for (let tries = 0; tries < 2; tries += 1) {
      try {
        const file = await open(this.#lockFile, "wx", 0o600);
        await file.writeFile(own);
        await file.close();
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const holder: unknown = await readFile(this.#lockFile, "utf8")
        .then(JSON.parse)
        .catch(() => undefined);
      if (await isAlive(holder)) break;
      await rm(this.#lockFile, { force: true });
    }
    throw new SkeinError(
      "failed_precondition",
      "agent_home_taken",
      `Another agent lives in ${this.#home}: end it, or give this one its own SKEIN_AGENT_HOME`,
    );
  }
}
