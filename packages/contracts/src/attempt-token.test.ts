import { expect, test } from "vitest";
import { attemptToken, isSameToken, tokenHash } from "./attempt-token.ts";

const id = { runId: "01990000-0000-7000-8000-000000000001", ordinal: 3, attempt: 0 };
const key = "k".repeat(32);

test("an attempt's token is the same each time and differs for each attempt and key", () => {
  const token = attemptToken(key, id);
  expect(token).toBe(attemptToken(key, { ...id }));
  expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(attemptToken(key, { ...id, attempt: 1 })).not.toBe(token);
  expect(attemptToken("j".repeat(32), id)).not.toBe(token);
  expect(tokenHash(token)).toHaveLength(32);
});

test("tokens of different lengths are compared without an error", () => {
  expect(isSameToken("abc", "abcd")).toBe(false);
  expect(isSameToken("abc", "abc")).toBe(true);
});
