import type { SecretRequest, SecretSource } from "./secret-source.ts";

interface Entry {
  readonly value: Promise<Uint8Array | undefined>;
  readonly untilMs: number;
}

export interface CacheOptions {
  readonly foundMs: number;
  /** Shorter: somebody who adds a missing secret does not want to wait for it. */
  readonly missingMs: number;
  readonly now?: () => number;
}

const ENTRIES_MAX = 1_000;

/** Remembers answers for a moment, so that a fan-out of a thousand tasks asks once. Failures are not remembered. */
export function cachedSource(source: SecretSource, { foundMs, missingMs, now = Date.now }: CacheOptions): SecretSource {
  const entries = new Map<string, Entry>();

  const ask = (key: string, request: SecretRequest): Promise<Uint8Array | undefined> => {
    const value = source.find(request);
    // Until the answer is here the question stands for everybody who asks the same.
    entries.set(key, { value, untilMs: Number.POSITIVE_INFINITY });
    value.then(
      (found) => entries.set(key, { value, untilMs: now() + (found === undefined ? missingMs : foundMs) }),
      () => entries.delete(key),
    );
    const oldest = entries.keys().next();
    if (entries.size > ENTRIES_MAX && !oldest.done) entries.delete(oldest.value);
    return value;
  };

  return {
    name: source.name,
    find: (request) => {
      const { org, project, domain, group, version, key } = request;
      const place = JSON.stringify([org, project, domain, group, version, key]);
      const entry = entries.get(place);
      return entry && entry.untilMs > now() ? entry.value : ask(place, request);
    },
  };
}
