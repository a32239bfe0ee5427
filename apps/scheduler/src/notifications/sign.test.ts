import { randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { signedHeaders } from "./sign.ts";

const BODY = JSON.stringify({ type: "run.ended" });

test("receivers verify the signature with a library of Standard Webhooks", () => {
  const secret = `whsec_${randomBytes(24).toString("base64")}`;
  const headers = signedHeaders("delivery-1", BODY, secret, new Date());
  expect(new Webhook(secret).verify(BODY, headers)).toEqual({ type: "run.ended" });
  expect(() => new Webhook(secret).verify(`${BODY} `, headers)).toThrow();
  expect(() => new Webhook(secret).verify(BODY, { ...headers, "webhook-id": "delivery-2" })).toThrow();
});

test("a secret without a prefix counts as the bytes of its text; an old message is refused", () => {
  const secret = "a plain text of some length";
  const receiver = new Webhook(Buffer.from(secret).toString("base64"));
  expect(receiver.verify(BODY, signedHeaders("id", BODY, secret, new Date()))).toBeTruthy();
  const old = signedHeaders("id", BODY, secret, new Date(Date.now() - 600_000));
  expect(() => receiver.verify(BODY, old)).toThrow("old");
});
