import { createHash } from "node:crypto";
import type { KMSClient } from "@aws-sdk/client-kms";
import { SkeinError } from "@skein/errors";
import { placeText, type SecretPlace } from "./envelope.ts";
import type { MasterKey } from "./master-keys.ts";

const UNWRAPPED_MS = 300_000;
const UNWRAPPED_MAX = 1_000;
const CONTEXT_NAME = "skein:secret";

interface Unwrapped {
  readonly dataKey: Uint8Array;
  readonly untilMs: number;
}

/**
 * A master key in AWS KMS (id, ARN or alias). Data keys that it opened are remembered for five minutes, so that claims do
 * not wait for KMS. Credentials and region come from the usual AWS sources.
 */
export function kmsKey(keyId: string, now: () => number = Date.now): MasterKey {
  let client: Promise<KMSClient> | undefined;
  const opened = new Map<string, Unwrapped>();
  const contextOf = (place: SecretPlace) => ({ [CONTEXT_NAME]: placeText(place) });

  const ask = async <T>(question: (kms: KMSClient) => Promise<T>): Promise<T> => {
    try {
      client ??= openClient();
      return await question(await client);
    } catch (error) {
      const message = `AWS KMS did not do what was asked of the key ${keyId}: ${(error as Error).message}`;
      throw new SkeinError("unavailable", "secret_kms_unavailable", message, { cause: error });
    }
  };
  const bytesOf = (bytes: Uint8Array | undefined): Uint8Array => {
    if (bytes) return bytes;
    throw new SkeinError("unavailable", "secret_kms_unavailable", "AWS KMS answered without a result");
  };

  return {
    id: `kms:${keyId}`,
    async wrap(dataKey, place) {
      const { EncryptCommand } = await import("@aws-sdk/client-kms");
      const request = { KeyId: keyId, Plaintext: dataKey, EncryptionContext: contextOf(place) };
      return bytesOf((await ask((kms) => kms.send(new EncryptCommand(request)))).CiphertextBlob);
    },
    async unwrap(wrapped, place) {
      // The place belongs to the question: moved ciphertext must not be answered from memory.
      const digest = createHash("sha256").update(placeText(place)).update("\0").update(wrapped).digest("hex");
      const known = opened.get(digest);
      if (known && known.untilMs > now()) return known.dataKey;
      const { DecryptCommand } = await import("@aws-sdk/client-kms");
      const request = { KeyId: keyId, CiphertextBlob: wrapped, EncryptionContext: contextOf(place) };
      const dataKey = bytesOf((await ask((kms) => kms.send(new DecryptCommand(request)))).Plaintext);
      opened.delete(digest);
      opened.set(digest, { dataKey, untilMs: now() + UNWRAPPED_MS });
      const oldest = opened.keys().next();
      if (opened.size > UNWRAPPED_MAX && !oldest.done) opened.delete(oldest.value);
      return dataKey;
    },
  };
}

/** Loaded when first needed: the library costs memory that most servers can do without. */
async function openClient(): Promise<KMSClient> {
  const { KMSClient: Client } = await import("@aws-sdk/client-kms");
  return new Client({ maxAttempts: 2, requestHandler: { connectionTimeout: 2_000, requestTimeout: 5_000 } });
}
