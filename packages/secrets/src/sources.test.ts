import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createTempFolder } from "@skein/testing";
import { afterAll, describe, expect, test } from "vitest";
import { cachedSource } from "./cached-source.ts";
import { environmentSource } from "./environment-source.ts";
import { fileSource } from "./file-source.ts";
import { openSources, readSourceSpecs } from "./open-sources.ts";
import { firstOf, type SecretRequest, type SecretSource, withTimeLimit } from "./secret-source.ts";

const ASK: SecretRequest = {
  org: "",
  project: "mine",
  domain: "development",
  group: "db",
  version: "",
  key: "password",
};
const textOf = async (source: SecretSource, change: Partial<SecretRequest> = {}) => {
  const value = await source.find({ ...ASK, ...change });
  return value && Buffer.from(value).toString();
};

/** What a task may call a group or key in order to get out of its project. */
const HOSTILE: Partial<SecretRequest>[] = [
  { group: "other/development/db" },
  { group: "..", key: "other" },
  { group: "../other/development/db" },
  { group: "/etc", key: "passwd" },
  { group: "", key: "other/development/db/password" },
  { group: "OTHER__DEVELOPMENT__DB" },
  { group: "other", version: "development", key: "db/password" },
  { group: "other", version: "db" },
  { group: "OTHER_", key: "_DEVELOPMENT__DB__PASSWORD" },
  { group: "a\0b" },
  { group: "__proto__", key: "constructor" },
];

describe("variables", () => {
  const source = environmentSource(
    {
      TASK_OTHER__DEVELOPMENT__DB__PASSWORD: "not yours",
      TASK_OTHER__DB__PASSWORD: "not yours",
      TASK_MINE__DEVELOPMENT__DB__PASSWORD: "narrow",
      TASK_MINE__DB__PASSWORD: "project",
      TASK_DB__PASSWORD: "everybody",
      TASK_MY_TEAM__DB__KEY_1: "dashes",
      DB__PASSWORD: "the server's own",
      PASSWORD: "the server's own",
    },
    "TASK_",
  );

  test("the narrowest of a project's own is found, then everybody's", async () => {
    expect(await textOf(source)).toBe("narrow");
    expect(await textOf(source, { domain: "staging" })).toBe("project");
    expect(await textOf(source, { project: "third" })).toBe("everybody");
    expect(await textOf(source, { project: "my-team", key: "key.1" })).toBe("dashes");
    expect(await textOf(source, { key: "none" })).toBeUndefined();
    expect(await textOf(source, { version: "2" })).toBeUndefined();
  });

  test.each(HOSTILE)("no name leads out of the project: %o", async (change) => {
    expect(await textOf(source, change)).toBeUndefined();
  });

  test("a prefix that is another's is refused", () => {
    for (const prefix of ["", "_", "task_", "TASK", "SKEIN_", "AWS_", "SKEIN_SECRET_", "P", "A"]) {
      expect(() => environmentSource({}, prefix), prefix).toThrow("env:");
    }
  });
});

describe("files", () => {
  const folder = createTempFolder("secrets");
  afterAll(() => folder.close());
  const root = join(folder.path, "root");
  const put = (path: string, value: string) => {
    mkdirSync(dirname(join(folder.path, path)), { recursive: true });
    writeFileSync(join(folder.path, path), value);
  };
  put("root/other/development/db/password", "not yours");
  put("root/other/db/password", "not yours");
  put("root/mine/development/db/password", "narrow");
  put("root/mine/db/password", "project");
  put("root/db/password", "everybody");
  put("outside", "not a secret");
  put("root/mounted/..data/password", "as Kubernetes has it");
  symlinkSync("..data/password", join(root, "mounted/password"));
  symlinkSync("../../outside", join(root, "mounted/escaped"));
  put("root/db/long", "x".repeat(70_000));
  const source = fileSource(root);

  test("the narrowest of a project's own is found, then everybody's", async () => {
    expect(await textOf(source)).toBe("narrow");
    expect(await textOf(source, { domain: "staging" })).toBe("project");
    expect(await textOf(source, { project: "third" })).toBe("everybody");
    expect(await textOf(source, { key: "none" })).toBeUndefined();
    expect(await textOf(source, { group: "mine", key: "development" })).toBeUndefined();
    expect(await textOf(fileSource("/no/such/folder"))).toBeUndefined();
  });

  test("a link is followed inside of the folder and not out of it", async () => {
    expect(await textOf(source, { group: "mounted" })).toBe("as Kubernetes has it");
    expect(await textOf(source, { group: "mounted", key: "escaped" })).toBeUndefined();
  });

  test("a file that is too long is an error that says so", async () => {
    await expect(textOf(source, { key: "long" })).rejects.toMatchObject({ reason: "secret_too_large" });
  });

  test.each(HOSTILE)("no name leads out of the project: %o", async (change) => {
    expect(await textOf(source, change)).toBeUndefined();
  });
});

describe("several sources", () => {
  const holding = (value: string | undefined): SecretSource & { asked: number } => ({
    name: "one",
    asked: 0,
    async find() {
      this.asked += 1;
      return value === undefined ? undefined : Buffer.from(value);
    },
  });
  const failing: SecretSource = { name: "broken", find: () => Promise.reject(new Error("connection refused")) };

  test("the first that has a value is the one, and a broken one ends the search", async () => {
    expect(await textOf(firstOf([holding(undefined), holding("b"), holding("c")]))).toBe("b");
    expect(await textOf(firstOf([]))).toBeUndefined();
    await expect(textOf(firstOf([failing, holding("b")]))).rejects.toThrow("connection refused");
  });

  test("a source that fails or does not answer is unavailable, and the message says which", async () => {
    const silent: SecretSource = { name: "silent", find: () => new Promise(() => {}) };
    for (const source of [failing, silent]) {
      const error = await textOf(withTimeLimit(source, 20)).catch((one) => one);
      expect(error).toMatchObject({ code: "unavailable", reason: "secret_source_unavailable" });
      expect(error.message).toContain(`db/password cannot be had from ${source.name}`);
    }
  });

  test("an answer is remembered for a while, what is missing for less, a failure never", async () => {
    let time = 0;
    const options = { foundMs: 100, missingMs: 10, now: () => time };
    const [full, empty] = [holding("a"), holding(undefined)];
    const [cachedFull, cachedEmpty] = [cachedSource(full, options), cachedSource(empty, options)];
    for (const at of [0, 5, 50, 99]) {
      time = at;
      await Promise.all([textOf(cachedFull), textOf(cachedFull), textOf(cachedEmpty)]);
    }
    expect([full.asked, empty.asked]).toEqual([1, 3]);
    time = 101;
    expect(await textOf(cachedFull)).toBe("a");
    expect(full.asked).toBe(2);
    expect(await textOf(cachedFull, { project: "other" })).toBe("a");
    expect(full.asked).toBe(3);
    let fails = true;
    const shaky: SecretSource = { name: "shaky", find: () => (fails ? failing.find(ASK) : holding("a").find(ASK)) };
    const cachedShaky = cachedSource(shaky, options);
    await expect(textOf(cachedShaky)).rejects.toThrow();
    fails = false;
    expect(await textOf(cachedShaky)).toBe("a");
  });

  test("sources are named in the order in which they are asked", () => {
    expect(readSourceSpecs(" postgres, aws,files:/a/b ,env:TASK_,")).toEqual([
      { type: "postgres" },
      { type: "aws" },
      { type: "files", root: "/a/b" },
      { type: "env", prefix: "TASK_" },
    ]);
    for (const text of ["vault", "files:relative", "files", "env", "env:", "postgres:x", "env:AWS_"]) {
      expect(() => readSourceSpecs(text), text).toThrow(/secrets|env:/);
    }
    expect(() => openSources(readSourceSpecs("postgres"), { environment: {} })).toThrow("no source of secrets here");
  });
});
