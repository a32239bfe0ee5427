import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createTempFolder } from "@skein/testing";
import { expect, test } from "vitest";
import { issueAgentTokens } from "./issue-agent-tokens.ts";
import { verifyOwnToken } from "./tokens.ts";

const SECRET_KEY = "8d1f0b6c2a7e4953b1c0de5f7a9832e4";
const environment = { SKEIN_SECRET_KEY: SECRET_KEY };

test("one pool's token is printed alone, good for that pool", async () => {
  const token = await issueAgentTokens(["--pools", "gpu"], environment);
  expect(await verifyOwnToken(SECRET_KEY, "agent", token)).toMatchObject({ kind: "agent", pool: "gpu" });
});

test("several pools' tokens are lines of pool and token", async () => {
  const printed = await issueAgentTokens(["--pools", "gpu, default"], environment);
  expect(printed.split("\n").map((line) => line.split(" ")[0])).toEqual(["gpu", "default"]);
});

test("a folder gets one file for each pool, for its owner alone", async () => {
  const folder = createTempFolder("tokens");
  try {
    const place = join(folder.path, "below");
    await issueAgentTokens(["--pools", "a,b", "--folder", place], environment);
    expect((await verifyOwnToken(SECRET_KEY, "agent", readFileSync(join(place, "b"), "utf8"))).kind).toBe("agent");
    expect(statSync(join(place, "a")).mode & 0o777).toBe(0o600);
  } finally {
    await folder.close();
  }
});

test.each([
  [["--pools", "No"], /--pools: "No" must be/],
  [["--days", "0"], /--days must be from 1 to/],
  [["--kubernetes-secret", "name"], /must be <namespace>\/<name>/],
  [["--kubernetes-secret", "a/b"], /in a pod of the cluster/],
  [["--what"], /agent-tokens --pools/],
])("%j is refused", async (args, message) => {
  await expect(issueAgentTokens(args, environment)).rejects.toThrow(message);
});

test("a placeholder for a key signs nothing", async () => {
  const placeholder = { SKEIN_SECRET_KEY: "change-me-change-me-change-me-change-me" };
  await expect(issueAgentTokens([], placeholder)).rejects.toThrow(/SKEIN_SECRET_KEY/);
});
