import { expect, test } from "vitest";
import { serverKey } from "./server-key.ts";

const SECRET = "a secret of the server that is long enough";
const place = { org: "", project: "p", domain: "", group: "rules", key: "on-call", version: 0 };
const value = Buffer.from("https://hooks.example.com/T0/B0/secret");

test("what was closed is opened by the same secret, purpose and place, and by nothing else", () => {
  const key = serverKey(SECRET, "rules");
  const sealed = key.close(place, value);
  expect(Buffer.from(sealed).includes("secret")).toBe(false);
  expect(Buffer.from(serverKey(SECRET, "rules").open(place, sealed))).toEqual(value);
  const others = [
    () => key.open({ ...place, project: "other" }, sealed),
    () => serverKey(SECRET, "another purpose").open(place, sealed),
    () => serverKey(`${SECRET}!`, "rules").open(place, sealed),
    () => key.open(place, Buffer.concat([sealed.subarray(0, -1), Buffer.of((sealed.at(-1) ?? 0) ^ 1)])),
  ];
  for (const open of others) expect(open).toThrow("cannot be decrypted");
});
