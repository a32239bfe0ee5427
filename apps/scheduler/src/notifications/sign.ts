import { createHmac } from "node:crypto";

const BASE64_PREFIX = "whsec_";

/** What the secret is as bytes: `whsec_` and base64, as libraries for Standard Webhooks make them, or any other text. */
const keyOf = (secret: string): Buffer =>
  secret.startsWith(BASE64_PREFIX) ? Buffer.from(secret.slice(BASE64_PREFIX.length), "base64") : Buffer.from(secret);

/**
 * Headers by which a receiver knows that a message is ours and unchanged, when it was sent, and whether it has it already
 * (https://www.standardwebhooks.com).
 */
export function signedHeaders(id: string, body: string, secret: string, now: Date): Record<string, string> {
  const timestamp = `${Math.floor(now.getTime() / 1_000)}`;
  const signature = createHmac("sha256", keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
}
