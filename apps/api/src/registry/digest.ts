import { createHash } from "node:crypto";

/** SHA-256: what the registry compares to tell "the same again" from "the same version, but different". */
export const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

export const isSameDigest = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0;
