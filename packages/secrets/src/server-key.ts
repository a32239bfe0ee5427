import { hkdfSync } from "node:crypto";
import { KEY_BYTES, type SecretPlace, seal, unseal } from "./envelope.ts";

/** Encrypts what the server's processes keep for each other in the database. */
export interface ServerKey {
  close(place: SecretPlace, value: Uint8Array): Uint8Array;
  /** failed_precondition when it was changed, moved to another place, or closed under another key. */
  open(place: SecretPlace, sealed: Uint8Array): Uint8Array;
}

/** A key out of the server's own secret, another one for each purpose. */
export function serverKey(secretKey: string, purpose: string): ServerKey {
  const key = new Uint8Array(hkdfSync("sha256", secretKey, "", `skein:${purpose}`, KEY_BYTES));
  return {
    close: (place, value) => seal(key, place, value),
    open: (place, sealed) => unseal(key, place, sealed),
  };
}
