import type { Storage } from "./storage.ts";

/** An attempt in the words of its place in the object store. */
export interface AttemptPlace {
  readonly project: string;
  readonly domain: string;
  readonly runName: string;
  readonly actionName: string;
  /** From 0. */
  readonly attempt: number;
}

/** The folder, without a trailing slash, that holds what one attempt leaves: outputs, deck. Nobody else writes there. */
export const attemptOutputPrefix = (storage: Pick<Storage, "join">, place: AttemptPlace): string =>
  storage.join("meta", place.project, place.domain, place.runName, place.actionName, String(place.attempt));
