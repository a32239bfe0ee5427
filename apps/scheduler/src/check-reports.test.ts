import { attemptOutputPrefix } from "@skein/storage";
import { expect, test } from "vitest";
import { liesUnder } from "./check-reports.ts";

const join = (...segments: string[]) => ["file:///var/skein/storage", ...segments].join("/");
const prefix = attemptOutputPrefix(
  { join },
  { project: "p", domain: "development", runName: "r1", actionName: "n0", attempt: 0 },
);

test("what an agent writes lies under its attempt's prefix", () => {
  expect(prefix).toBe("file:///var/skein/storage/meta/p/development/r1/n0/0");
  for (const name of ["outputs.pb", "deck.html", "parts/a-1_2.pb"]) {
    expect(liesUnder(prefix, `${prefix}/${name}`)).toBe(true);
  }
});

test("no other place counts, however it is spelt", () => {
  const root = "file:///var/skein/storage";
  const others = [
    "",
    prefix,
    `${prefix}/`,
    `${prefix}0/outputs.pb`,
    `${prefix}/../1/outputs.pb`,
    `${prefix}/./outputs.pb`,
    `${prefix}//outputs.pb`,
    `${prefix}/a/../../../n1/0/outputs.pb`,
    `${prefix}/%2e%2e/1/outputs.pb`,
    `${prefix}/..%2f1/outputs.pb`,
    `${prefix}/..\\1\\outputs.pb`,
    `${prefix}/outputs.pb?versionId=1`,
    `${prefix}/outputs.pb#x`,
    `${prefix}/out\nputs.pb`,
    `${prefix}/out\0puts.pb`,
    `${root}/meta/p/development/r1/n0/1/outputs.pb`,
    `${root}/meta/p/development/r2/n0/0/outputs.pb`,
    `${root}/meta/q/development/r1/n0/0/outputs.pb`,
    `${root}/./meta/p/development/r1/n0/0/outputs.pb`,
    prefix.replace("file:///", "file://localhost/").concat("/outputs.pb"),
    prefix.replace("file:///", "file:/").concat("/outputs.pb"),
    prefix.replace("file://", "FILE://").concat("/outputs.pb"),
    prefix.replace("file://", "").concat("/outputs.pb"),
    prefix.replace("file://", "s3:/").concat("/outputs.pb"),
    "file:///etc/passwd",
  ];
  for (const uri of others) expect([uri, liesUnder(prefix, uri)]).toEqual([uri, false]);
});
