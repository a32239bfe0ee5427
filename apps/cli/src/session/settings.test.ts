import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTempFolder } from "@skein/testing";
import { afterAll, expect, test } from "vitest";
import { profilesPath, readProfiles, writeProfiles } from "./profiles.ts";
import { resolveSettings } from "./settings.ts";

const folder = createTempFolder("profiles");
afterAll(() => folder.close());

const prod = { server: "https://skein.example.com/", project: "shop", domain: "production", token: "t0" };
const file = { current: "prod", profiles: { prod } };
const empty = { profiles: {} };

test("an option counts before the environment, that before the profile, that before the default", () => {
  const defaults = { server: "http://localhost:8088", project: "flytesnacks", domain: "development" };
  expect(resolveSettings({}, {}, empty)).toMatchObject(defaults);
  expect(resolveSettings({}, {}, file)).toEqual({ ...prod, server: "https://skein.example.com", profile: "prod" });
  const env = { SKEIN_API_URL: "http://env", SKEIN_PROJECT: "e", SKEIN_DOMAIN: "" };
  expect(resolveSettings({}, env, file)).toMatchObject({ server: "http://env", project: "e", domain: "production" });
  const flags = { server: "http://flag", project: "f", domain: "g" };
  expect(resolveSettings(flags, env, file)).toMatchObject(flags);
});

test("a profile's token goes to the profile's server only, and that of the environment wherever it is sent", () => {
  const tokenFor = (server?: string, env = {}) => resolveSettings(server ? { server } : {}, env, file).token;
  expect(tokenFor()).toBe("t0");
  expect(tokenFor("https://skein.example.com")).toBe("t0");
  expect(tokenFor("https://skein.example.com.evil.example")).toBeUndefined();
  expect(tokenFor("http://skein.example.com")).toBeUndefined();
  expect(resolveSettings({}, { SKEIN_API_URL: "http://other" }, file).token).toBeUndefined();
  expect(tokenFor("http://other", { SKEIN_TOKEN: "mine" })).toBe("mine");
});

test("a token may stand in a file, and a profile that is not there is said with those that are", () => {
  const tokenFile = join(folder.path, "token");
  writeFileSync(tokenFile, "secret\n");
  const withFile = (path: string) => ({ profiles: { p: { server: "http://p", tokenFile: path } } });
  expect(resolveSettings({ profile: "p" }, {}, withFile(tokenFile)).token).toBe("secret");
  expect(() => resolveSettings({ profile: "p" }, {}, withFile("/no/such"))).toThrow("tokenFile cannot be read");
  expect(() => resolveSettings({ profile: "__proto__" }, {}, file)).toThrow("known are: prod");
});

test("profiles are kept for their owner alone, and a broken file is named with what is wrong", () => {
  const path = join(folder.path, "deep", "config.yaml");
  expect(readProfiles(path)).toEqual(empty);
  writeProfiles(path, file);
  expect(readProfiles(path)).toEqual(file);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  writeFileSync(path, "profiles: {a: {server: 'ftp://x', tokn: y}}");
  expect(() => readProfiles(path)).toThrow(/profiles\.a\.server: must be a URL/);
  writeFileSync(path, "{");
  expect(() => readProfiles(path)).toThrow("Correct the file");
  expect(profilesPath({ HOME: "/h" })).toBe("/h/.config/skein/config.yaml");
  expect(profilesPath({ HOME: "/h", XDG_CONFIG_HOME: "/x" })).toBe("/x/skein/config.yaml");
  expect(profilesPath({ SKEIN_CONFIG: "/c.yaml" })).toBe("/c.yaml");
});
