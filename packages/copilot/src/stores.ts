import { SkeinError } from "@skein/errors";
import type { Storage } from "@skein/storage";

/** The object stores that values name by URI. */
export interface Stores {
  /** The store that holds the object; invalid_argument for a URI that leads to none that may be used. */
  storeOf(uri: string): Promise<Storage>;
  /** Whether `http://` and `https://` addresses are fetched, too. */
  readonly readsWeb: boolean;
}

export interface OtherStores {
  /** Opens the bucket of another URI, with the rights of whoever gave the value. */
  readonly open?: (bucketUri: string) => Promise<Storage>;
  readonly readsWeb?: boolean;
}

/** The run's own store and, where `others` can open them, other buckets. Files outside of the own store are never reached. */
export function openStores(own: Storage | undefined, others: OtherStores = {}): Stores {
  const opened = new Map<string, Promise<Storage>>();
  return {
    readsWeb: others.readsWeb ?? false,
    async storeOf(uri) {
      if (own && (uri === own.rootUri || uri.startsWith(`${own.rootUri}/`))) return own;
      const bucketUri = /^(?!file:)[a-z][a-z0-9+.-]*:\/\/[^/]+/.exec(uri)?.[0];
      if (!others.open || bucketUri === undefined) throw unreachable(uri);
      const storage = opened.get(bucketUri) ?? others.open(bucketUri);
      opened.set(bucketUri, storage);
      return await storage;
    },
  };
}

const unreachable = (uri: string): SkeinError =>
  new SkeinError(
    "invalid_argument",
    "object_outside_storage",
    `${JSON.stringify(uri)} is not in an object store that this task's data can come from or go to`,
  );
