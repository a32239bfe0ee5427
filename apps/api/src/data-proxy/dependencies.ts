import type { Storage } from "@skein/storage";
import type { Call } from "../call.ts";
import type { InputsAndOutputs } from "../values/readable-values.ts";

/** One action of a run, or one of its attempts, by the names that clients know. */
export interface ActionTarget {
  readonly project: string;
  readonly domain: string;
  readonly run: string;
  readonly action: string;
  readonly attempt?: number;
}

/** What the data proxy needs from the rest of the api. Both lookups throw not_found for what does not exist. */
export interface DataProxyDependencies {
  readonly storage: Storage;
  readonly limits: DataProxyLimits;
  /** Throws unless the project and domain exist and take new things. */
  requireProject(call: Call, project: string, domain: string): Promise<void>;
  readValues(call: Call, target: ActionTarget): Promise<InputsAndOutputs>;
  /** The object store URI of the deck, undefined while there is none. */
  findDeckUri(call: Call, target: ActionTarget): Promise<string | undefined>;
}

export interface DataProxyLimits {
  /** Longest life of a signed URL; also its life when the client asks for none. */
  readonly expiresInSecondsMax: number;
  readonly uploadBytesMax: number;
}

/** Flyte's limit for the life of a URL, and S3's for one PUT. */
export const DATA_PROXY_LIMITS: DataProxyLimits = { expiresInSecondsMax: 3600, uploadBytesMax: 5 * 1024 ** 3 };
