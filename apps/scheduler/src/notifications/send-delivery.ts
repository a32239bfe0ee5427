import { RunEnded, SealedTarget, TARGET_PURPOSE, targetPlace } from "@skein/contracts";
import type { DueDelivery, RuleTarget } from "@skein/db";
import { serverKey } from "@skein/secrets";
import { DeliveryFailure } from "./delivery-failure.ts";
import type { Mailer } from "./mailer.ts";
import { type Answer, type PostOptions, post } from "./post.ts";
import { signedHeaders } from "./sign.ts";
import { mailSubject, plainText, slackBody } from "./texts.ts";

export interface SendOptions extends PostOptions {
  readonly mailer: Mailer;
  readonly secretKey: string;
}

const GONE = 410;
const USER_AGENT = "Skein-Notifications/1";

/**
 * Brings a delivery to its target. Answers what was odd about it, or null; throws a DeliveryFailure when the target did
 * not take it.
 */
export async function sendDelivery(delivery: DueDelivery, options: SendOptions): Promise<string | null> {
  const { id, rule } = delivery;
  if (delivery.source.startsWith("rule:") && rule === null) {
    throw new DeliveryFailure("The rule that asked for it was deleted.", { isFinal: true });
  }
  const message = RunEnded.parse(delivery.message);
  const kind = rule?.kind ?? delivery.kind;
  if (kind === "email") {
    const to = rule?.addresses ?? delivery.addresses;
    return options.mailer({ id, to, subject: mailSubject(message), text: plainText(message) });
  }
  if (!rule) throw new DeliveryFailure("It names no webhook.", { isFinal: true });
  const { url, secret } = openTarget(rule, options.secretKey);
  const body = kind === "slack" ? slackBody(message) : JSON.stringify(message);
  const signature = secret === null ? {} : signedHeaders(id, body, secret, new Date());
  const headers = { ...signature, "user-agent": USER_AGENT, "idempotency-key": id };
  checkAnswer(url, await post(url, body, headers, options));
  return null;
}

function openTarget(rule: RuleTarget, secretKey: string): { readonly url: URL; readonly secret: string | null } {
  try {
    const opened = serverKey(secretKey, TARGET_PURPOSE).open(targetPlace(rule), rule.sealed ?? new Uint8Array());
    const { url, secret } = SealedTarget.parse(JSON.parse(Buffer.from(opened).toString()));
    return { url: new URL(url), secret };
  } catch {
    const message = `The address of the rule ${rule.name} cannot be decrypted: set the rule again, SKEIN_SECRET_KEY was another one then.`;
    throw new DeliveryFailure(message, { isFinal: true });
  }
}

/** Slack says in one word what is wrong. What others say is not repeated: it may come from inside. */
function checkAnswer(url: URL, { status, text, retryAfterMs }: Answer): void {
  if (status >= 200 && status < 300) return;
  const word = /^[a-z_]{3,60}$/.test(text) ? ` (${text})` : "";
  throw new DeliveryFailure(`${url.host} answered ${status}${word}.`, { isFinal: status === GONE, retryAfterMs });
}
