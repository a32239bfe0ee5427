import type { OpenDb } from "@skein/db";

/** What the server says about itself. */
export interface SystemService {
  readonly version: { readonly version: string; readonly startedAt: string };
  /** False while the database does not answer, and from the beginning of a shutdown on. */
  isReady(): Promise<boolean>;
  stopBeingReady(): void;
}

/** Load balancers ask often; the database is asked once a second. */
const READY_CACHED_MS = 1_000;

export function createSystemService(options: {
  readonly pool: OpenDb["pool"];
  readonly version: string;
}): SystemService {
  let checked: { readonly atMs: number; readonly isReady: Promise<boolean> } | undefined;
  let isStopping = false;
  const check = (): Promise<boolean> =>
    options.pool.query("select 1").then(
      () => true,
      () => false,
    );
  return {
    version: { version: options.version, startedAt: new Date().toISOString() },
    isReady: async () => {
      if (isStopping) return false;
      if (checked === undefined || Date.now() - checked.atMs > READY_CACHED_MS) {
        checked = { atMs: Date.now(), isReady: check() };
      }
      return checked.isReady;
    },
    stopBeingReady: () => {
      isStopping = true;
    },
  };
}
