import { randomBytes } from "node:crypto";
import { SkeinError } from "@skein/errors";
import { KEY_BYTES, type SecretPlace, seal, unseal } from "./envelope.ts";

/** A key that encrypts only data keys, and never leaves where it lives. */
export interface MasterKey {
  /** Stands beside what it encrypted. */
  readonly id: string;
  wrap(dataKey: Uint8Array, place: SecretPlace): Promise<Uint8Array>;
  unwrap(wrapped: Uint8Array, place: SecretPlace): Promise<Uint8Array>;
}

/** A value as it is stored. */
export interface SealedSecret {
  readonly keyId: string;
  readonly dataKey: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** Encrypts under the first of its master keys, and decrypts under any of them. */
export interface Keyring {
  /** Undefined without any master key: then nothing can be kept. */
  readonly currentId: string | undefined;
  close(place: SecretPlace, value: Uint8Array): Promise<SealedSecret>;
  open(place: SecretPlace, sealed: SealedSecret): Promise<Uint8Array>;
  /** The data key under the first master key; the value's ciphertext stays as it is. */
  rewrap(place: SecretPlace, sealed: SealedSecret): Promise<SealedSecret>;
}

/** Puts master keys together, the one for new values first. Two of one name are an error. */
export function keyring(keys: readonly MasterKey[]): Keyring {
  const byId = new Map(keys.map((key) => [key.id, key]));
  if (byId.size < keys.length) {
    const ids = keys.map(({ id }) => id).join(", ");
    throw new SkeinError("invalid_argument", "secret_keys_invalid", `Two master keys have one name: ${ids}`);
  }
  const first = (): MasterKey => {
    if (keys[0]) return keys[0];
    throw new SkeinError(
      "failed_precondition",
      "secret_keys_missing",
      "This server keeps no secrets, because it has no key to encrypt them with: set SKEIN_SECRETS_KEY_FILE, SKEIN_SECRETS_KEYS (id:base64 of 32 random bytes, for example from `openssl rand -base64 32`) or SKEIN_SECRETS_KMS_KEY",
    );
  };
  const dataKeyOf = (place: SecretPlace, { keyId, dataKey }: SealedSecret): Promise<Uint8Array> => {
    const key = byId.get(keyId);
    if (key) return key.unwrap(dataKey, place);
    const message = `The secret ${place.group}/${place.key} is encrypted under the master key ${JSON.stringify(keyId)}, which this server was not given`;
    throw new SkeinError("failed_precondition", "secret_key_unknown", message);
  };
  return {
    currentId: keys[0]?.id,
    async close(place, value) {
      const key = first();
      const plain = randomBytes(KEY_BYTES);
      const dataKey = await key.wrap(plain, place);
      return { keyId: key.id, dataKey, ciphertext: seal(plain, place, value) };
    },
    open: async (place, sealed) => unseal(await dataKeyOf(place, sealed), place, sealed.ciphertext),
    async rewrap(place, sealed) {
      const key = first();
      const dataKey = await key.wrap(await dataKeyOf(place, sealed), place);
      return { keyId: key.id, dataKey, ciphertext: sealed.ciphertext };
    },
  };
}

/** A master key that the server itself was given. */
export const localKey = (id: string, bytes: Uint8Array): MasterKey => ({
  id,
  wrap: async (dataKey, place) => seal(bytes, place, dataKey),
  unwrap: async (wrapped, place) => unseal(bytes, place, wrapped),
});

/** Reads `id:base64` entries, one a line or separated by commas, the key for new values first. `#` begins a comment line. */
export function readLocalKeys(text: string): MasterKey[] {
  const entries = text
    .split("\n")
    .filter((line) => !line.trimStart().startsWith("#"))
    .flatMap((line) => line.split(","))
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  return entries.map((entry, at) => {
    const [, id, base64] = /^([A-Za-z0-9][A-Za-z0-9_.-]{0,62}):([A-Za-z0-9+/]+=*)$/.exec(entry) ?? [];
    const bytes = Buffer.from(base64 ?? "", "base64");
    if (id !== undefined && bytes.length === KEY_BYTES && new Set(bytes).size > KEY_BYTES / 4)
      return localKey(id, bytes);
    const place = id === undefined ? `Entry ${at + 1}` : `The key ${id}`;
    throw new SkeinError(
      "invalid_argument",
      "secret_keys_invalid",
      `${place} of the master keys must be id:base64 of ${KEY_BYTES} random bytes, for example "2026:" and the output of: openssl rand -base64 32`,
    );
  });
}
