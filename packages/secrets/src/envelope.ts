import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { SkeinError } from "@skein/errors";

/** Which value it is. Ciphertext that was moved to another place cannot be read there. */
export interface SecretPlace {
  readonly org: string;
  readonly project: string;
  readonly domain: string;
  readonly group: string;
  readonly key: string;
  readonly version: number;
}

const FORMAT = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + IV_BYTES + TAG_BYTES;
export const KEY_BYTES = 32;

/** The place as one text that no other place has. */
export const placeText = ({ org, project, domain, group, key, version }: SecretPlace): string =>
  JSON.stringify(["skein-secret", org, project, domain, group, key, version]);

/** AES-256-GCM with a fresh nonce; only the same key and place open it. */
export function seal(key: Uint8Array, place: SecretPlace, plain: Uint8Array): Uint8Array {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(placeText(place)));
  const text = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([Buffer.of(FORMAT), iv, cipher.getAuthTag(), text]);
}

/** What `seal` closed; failed_precondition when it was changed, moved, or closed with another key. */
export function unseal(key: Uint8Array, place: SecretPlace, sealed: Uint8Array): Uint8Array {
  const bytes = Buffer.from(sealed);
  try {
    if (bytes[0] !== FORMAT || bytes.length < HEAD_BYTES) throw new Error("unknown format");
    const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(1, 1 + IV_BYTES), {
      authTagLength: TAG_BYTES,
    })
      .setAAD(Buffer.from(placeText(place)))
      .setAuthTag(bytes.subarray(1 + IV_BYTES, HEAD_BYTES));
    return Buffer.concat([decipher.update(bytes.subarray(HEAD_BYTES)), decipher.final()]);
  } catch (cause) {
    const { group, key: name, version } = place;
    const message = `Version ${version} of the secret ${group}/${name} cannot be decrypted: its row was changed, or its master key is another one under the same name`;
    throw new SkeinError("failed_precondition", "secret_unreadable", message, { cause });
  }
}
