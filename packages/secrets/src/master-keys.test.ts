import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import type { SecretPlace } from "./envelope.ts";
import { keyring, localKey, readLocalKeys } from "./master-keys.ts";

const PLACE: SecretPlace = { org: "", project: "p", domain: "d", group: "db", key: "password", version: 1 };
const VALUE = Buffer.from("hunter22");
const keyText = (id: string) => `${id}:${randomBytes(32).toString("base64")}`;
const reasonOf = (error: unknown) => (error as { reason?: string }).reason;

test("a value comes back from what is stored, which does not show it", async () => {
  const keys = keyring(readLocalKeys(keyText("a")));
  const sealed = await keys.close(PLACE, VALUE);
  expect(await keys.open(PLACE, sealed)).toEqual(VALUE);
  expect(Buffer.concat([sealed.ciphertext, sealed.dataKey]).includes(VALUE)).toBe(false);
  expect((await keys.close(PLACE, VALUE)).ciphertext).not.toEqual(sealed.ciphertext);
});

test("ciphertext that was moved or changed cannot be read", async () => {
  const keys = keyring(readLocalKeys(keyText("a")));
  const sealed = await keys.close(PLACE, VALUE);
  const moves: Partial<SecretPlace>[] = [
    { project: "q" },
    { domain: "x" },
    { group: "dbp" },
    { version: 2 },
    { org: "o" },
  ];
  for (const move of moves) {
    expect(reasonOf(await keys.open({ ...PLACE, ...move }, sealed).catch((error) => error))).toBe("secret_unreadable");
  }
  const ciphertext = Buffer.from(sealed.ciphertext);
  ciphertext[ciphertext.length - 1] = (ciphertext.at(-1) ?? 0) ^ 1;
  const changed = await keys.open(PLACE, { ...sealed, ciphertext }).catch((error) => error);
  expect(reasonOf(changed)).toBe("secret_unreadable");
});

test("after a rotation the new master key is enough, and the value's own ciphertext is as it was", async () => {
  const [old] = readLocalKeys(keyText("old"));
  const [fresh] = readLocalKeys(keyText("fresh"));
  if (!old || !fresh) throw new Error("two keys");
  const sealed = await keyring([old]).close(PLACE, VALUE);
  const rotated = await keyring([fresh, old]).rewrap(PLACE, sealed);
  expect([sealed.keyId, rotated.keyId]).toEqual(["old", "fresh"]);
  expect(rotated.ciphertext).toBe(sealed.ciphertext);
  expect(await keyring([fresh]).open(PLACE, rotated)).toEqual(VALUE);
  expect(
    reasonOf(
      await keyring([fresh])
        .open(PLACE, sealed)
        .catch((error) => error),
    ),
  ).toBe("secret_key_unknown");
  const impostor = keyring([localKey("old", randomBytes(32))]);
  expect(reasonOf(await impostor.open(PLACE, sealed).catch((error) => error))).toBe("secret_unreadable");
});

test("without a master key nothing is kept, and the message says what to set", async () => {
  const error = await keyring([])
    .close(PLACE, VALUE)
    .catch((one) => one);
  expect(error).toMatchObject({ code: "failed_precondition", reason: "secret_keys_missing" });
  expect(error.message).toContain("SKEIN_SECRETS_KEY_FILE");
});

test("keys are read from lines and lists, and a weak or repeated one is refused", () => {
  const [a, b, c] = [keyText("a"), keyText("b"), keyText("c")];
  expect(readLocalKeys(`# our keys\n${a}, ${b}\n\n  ${c}\n`).map(({ id }) => id)).toEqual(["a", "b", "c"]);
  const weak = [
    `a:${Buffer.alloc(32).toString("base64")}`,
    `a:${randomBytes(16).toString("base64")}`,
    "a",
    "a:!",
    ":x",
  ];
  for (const text of weak) expect(() => readLocalKeys(text), text).toThrow("32 random bytes");
  expect(() => keyring(readLocalKeys(`${a},${a}`))).toThrow("one name");
  // What is wrong with a key must not show the key.
  expect(() => readLocalKeys("a:c2VjcmV0c2VjcmV0")).not.toThrow("c2VjcmV0");
});
