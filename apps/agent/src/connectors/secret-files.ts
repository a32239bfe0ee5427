import { readFile } from "node:fs/promises";
import { Code, ConnectError } from "@connectrpc/connect";

/** A secret that is replaced counts this much later. */
const KEPT_MS = 5_000;

/** Secrets that lie in files, which others may replace at any time. */
export class SecretFiles {
  readonly #kept = new Map<string, { readonly value: string; readonly untilMs: number }>();

  /** A file's text without what ends its line; unauthenticated, as the call will be, when there is none. */
  async read(path: string): Promise<string> {
    const kept = this.#kept.get(path);
    if (kept && Date.now() < kept.untilMs) return kept.value;
    const value = (
      await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => refuse(path, error.code))
    ).trim();
    if (!/^[\x20-\x7e]+$/.test(value)) refuse(path, "it is empty, or more than a line of ASCII");
    this.#kept.set(path, { value, untilMs: Date.now() + KEPT_MS });
    return value;
  }
}

function refuse(path: string, problem = "unknown"): never {
  throw new ConnectError(`the secret in ${path} cannot be shown: ${problem}`, Code.Unauthenticated);
}
