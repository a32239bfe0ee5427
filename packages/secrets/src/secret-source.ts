import { SkeinError } from "@skein/errors";

/** What a task asks for, and where it runs. Group, version and key are the task's own words: trust none of them. */
export interface SecretRequest {
  readonly org: string;
  readonly project: string;
  readonly domain: string;
  /** Empty for secrets that are known by a key alone. */
  readonly group: string;
  /** Empty: the newest. */
  readonly version: string;
  readonly key: string;
}

/**
 * Where values come from. Undefined says that there is no such secret for this project and domain; a SkeinError, that the
 * source cannot tell now.
 */
export interface SecretSource {
  readonly name: string;
  find(request: SecretRequest): Promise<Uint8Array | undefined>;
}

/** The largest value: more would fit neither an environment nor Kubernetes' idea of many secrets in one object. */
export const SECRET_BYTES_MAX = 64 * 1024;

/**
 * One source that asks several in their order. One that fails ends the search: what a later one holds under the same name
 * may be another value.
 */
export const firstOf = (sources: readonly SecretSource[]): SecretSource => ({
  name: sources.map(({ name }) => name).join(", "),
  async find(request) {
    for (const source of sources) {
      const value = await source.find(request);
      if (value !== undefined) return value;
    }
    return undefined;
  },
});

/** A place in words for people: `group/key`, with its version where one is named. */
export const secretText = ({ group, version, key }: Pick<SecretRequest, "group" | "version" | "key">): string =>
  [group, version, key].filter((part) => part !== "").join("/");

/** Fails with `unavailable` when the source does not answer in time, or with an error of its own. */
export const withTimeLimit = (source: SecretSource, limitMs: number): SecretSource => ({
  name: source.name,
  async find(request) {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer after ${limitMs} ms`)), limitMs);
    });
    try {
      return await Promise.race([source.find(request), late]);
    } catch (error) {
      if (error instanceof SkeinError) throw error;
      const message = `The secret ${secretText(request)} cannot be had from ${source.name} now: ${(error as Error).message}`;
      throw new SkeinError("unavailable", "secret_source_unavailable", message, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  },
});
