import { expect, test } from "vitest";
import { readFlyteUrl } from "./flyte-url.ts";

const node = { project: "p", domain: "d", run: "e", action: "n0" };

test.each([
  ["flyte://v1/p/d/e/n0/i", { ...node, artifact: "inputs" }],
  ["flyte://v1/p/d/e/n0/o/o0", { ...node, artifact: "outputs", variable: "o0" }],
  ["flyte://v1/p/d/e/n0/2/o", { ...node, attempt: 2, artifact: "outputs" }],
  ["flyte://v1/p/d/e/n0/0/i/x%20y", { ...node, attempt: 0, artifact: "inputs", variable: "x y" }],
  ["flyte://v1/p/d/e/n0/d", { ...node, artifact: "deck" }],
])("%s is read", (url, expected) => {
  expect(readFlyteUrl(url)).toEqual(expected);
});

test.each([
  "",
  "s3://bucket/key",
  "flyte://v2/p/d/e/n0/i",
  "flyte://v1/p/d/e/n0",
  "flyte://v1/p/d/e/n0/x",
  "flyte://v1/p/d/e/n0/0",
  "flyte://v1/p/d/e/n0/i/a/b",
  "flyte://v1/p/d/e/n0/i/",
  "flyte://v1/p//e/n0/i",
  "flyte://v1/p/d/e/n0/0/d",
  "flyte://v1/p/d/e/n0/d/x",
  "flyte://v1/p/d/e/n0/-1/i",
  "flyte://v1/p/d/e/n0/i/%",
])("%j is refused and the message shows it", (url) => {
  const refused = { code: "invalid_argument", message: expect.stringContaining(JSON.stringify(url)) };
  expect(() => readFlyteUrl(url)).toThrow(expect.objectContaining(refused));
});
