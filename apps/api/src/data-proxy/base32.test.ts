import { expect, test } from "vitest";
import { toBase32 } from "./base32.ts";

test.each([
  ["", ""],
  ["f", "MY======"],
  ["fo", "MZXQ===="],
  ["foo", "MZXW6==="],
  ["foob", "MZXW6YQ="],
  ["fooba", "MZXW6YTB"],
  ["foobar", "MZXW6YTBOI======"],
])("%j is %j, as in RFC 4648", (text, expected) => {
  expect(toBase32(Buffer.from(text))).toBe(expected);
});
