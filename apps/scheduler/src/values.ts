import { type NewValue, type RunValueRef, readValues } from "@skein/db";
import type { ValueWrite } from "@skein/engine";
import { SkeinError } from "@skein/errors";
import type { Pool } from "./database.ts";
import { ValueCache } from "./value-cache.ts";

/** What we need of the object store. */
export interface ObjectStore {
  join(...segments: string[]): string;
  put(uri: string, body: Uint8Array): Promise<void>;
  get(uri: string): Promise<Uint8Array>;
  head(uri: string): Promise<{ readonly sizeBytes: number } | undefined>;
}

/** Who a value belongs to, in the words of its place in the object store. */
export interface ValueOwner {
  readonly runId: string;
  readonly project: string;
  readonly domain: string;
  readonly name: string;
}

/** A value to load; `uri` is known where its row is not written yet. */
export interface LocatedValue extends RunValueRef {
  readonly uri?: string | undefined;
}

type NewBytes = Pick<ValueWrite, "ordinal" | "side" | "bytes">;

/** Whether the store answered that there is no such object of ours, so that asking again cannot help. */
export const isMissing = (error: unknown): boolean =>
  error instanceof SkeinError && ["not_found", "invalid_argument", "permission_denied"].includes(error.code);

const INLINE_BYTES_MAX = 1024 * 1024;
const CACHE_BYTES_MAX = 128 * 1024 * 1024;

const keyOf = ({ runId, ordinal, side }: RunValueRef): string => `${runId}/${ordinal}/${side}`;

/** Values by reference: from memory, from Postgres, or, when they are large, from the object store. */
export class Values {
  readonly #pool: Pool;
  readonly #store: ObjectStore;
  readonly #cache = new ValueCache(CACHE_BYTES_MAX);

  constructor(pool: Pool, store: ObjectStore) {
    this.#pool = pool;
    this.#store = store;
  }

  cached(ref: RunValueRef): Uint8Array | undefined {
    return this.#cache.get(ref.runId, ref);
  }

  /** To be called for what a commit wrote, so that the next advance need not read it. */
  keep(ref: RunValueRef, bytes: Uint8Array): void {
    this.#cache.set(ref.runId, ref, bytes);
  }

  /** In the order asked for; undefined where there is none. */
  async load(refs: readonly LocatedValue[]): Promise<(Uint8Array | undefined)[]> {
    const values = refs.map((ref) => this.cached(ref));
    const missing = refs.flatMap((ref, index) => (values[index] === undefined ? [{ ref, index }] : []));
    if (missing.length === 0) return values;
    const unlocated = missing.flatMap(({ ref }) => (ref.uri === undefined ? [ref] : []));
    const rows = unlocated.length === 0 ? [] : await readValues(this.#pool, unlocated);
    const found = new Map<string, Uint8Array>();
    await Promise.all([
      ...rows.map(async ({ runId, ordinal, side, data, uri }) => {
        const ref = { runId, ordinal, side };
        const bytes = data ?? (await this.#store.get(uri ?? ""));
        this.keep(ref, bytes);
        found.set(keyOf(ref), bytes);
      }),
      // Not kept: no commit has confirmed yet that these are the action's values.
      ...missing.map(async ({ ref }) => {
        if (ref.uri !== undefined) found.set(keyOf(ref), await this.#store.get(ref.uri));
      }),
    ]);
    for (const { ref, index } of missing) values[index] = found.get(keyOf(ref));
    return values;
  }

  /** Like `load`, for callers that have no use for large values: what lies in the object store stays there, undefined. */
  async loadSmall(refs: readonly RunValueRef[]): Promise<(Uint8Array | undefined)[]> {
    const missing = refs.filter((ref) => this.cached(ref) === undefined);
    const rows = missing.length === 0 ? [] : await readValues(this.#pool, missing);
    const found = new Map(rows.map(({ data, uri: _, ...ref }) => [keyOf(ref), data ?? undefined]));
    return refs.map((ref) => this.cached(ref) ?? found.get(keyOf(ref)));
  }

  /** Makes the row of a value; large bytes go to the object store first. Writing them twice is harmless. */
  async toRow(owner: ValueOwner, { ordinal, side, bytes }: NewBytes): Promise<NewValue> {
    return { ordinal, side, ...(await this.place(owner, `${ordinal}-${side}`, bytes)), sizeBytes: bytes.length };
  }

  /** Where bytes of a run are to be kept: in a row, or in the object store, where they are then. */
  async place(owner: ValueOwner, name: string, bytes: Uint8Array): Promise<Pick<NewValue, "data" | "uri">> {
    if (bytes.length <= INLINE_BYTES_MAX) return { data: bytes, uri: null };
    const uri = this.#store.join("meta", owner.project, owner.domain, owner.name, ".values", `${name}.pb`);
    await this.#store.put(uri, bytes);
    return { data: null, uri };
  }
}
