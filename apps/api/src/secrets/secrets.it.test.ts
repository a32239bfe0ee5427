import { randomBytes } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import type { ClaimGrant } from "@skein/contracts";
import { ExecutionSpecSchema } from "@skein/idl/admin";
import { Secret_MountType, TaskTemplateSchema } from "@skein/idl/core";
import { keyring, openSources, readLocalKeys, type SecretSource } from "@skein/secrets";
import { afterAll, beforeAll, expect, test } from "vitest";
import { defaultPolicy } from "../permissions.ts";
import { startTestApi, type TestApi } from "../testing/start-test-api.ts";
import { openTestTrpc, type TestTrpc } from "../testing/trpc-client.ts";
import { grantSecrets } from "./granted-secrets.ts";
import { storedSource } from "./stored-source.ts";

const KEYS = `new:${randomBytes(32).toString("base64")},old:${randomBytes(32).toString("base64")}`;
const [NEW_KEY = "", OLD_KEY = ""] = KEYS.split(",");
const VALUE = "hunter22-and-a-half";
const P = { project: "flytesnacks", domain: "development" };

let api: TestApi;
let trpc: TestTrpc;

beforeAll(async () => {
  api = await startTestApi({ secretsKeys: OLD_KEY, projects: ["flytesnacks", "other"] });
  trpc = openTestTrpc(api.url);
});
afterAll(() => api?.close());

const errorOf = async (work: Promise<unknown>) => {
  const error = (await work.catch((one) => one)) as Error & { data: { skein: object } };
  return { ...error.data?.skein, message: error.message };
};
const set = (id: { project?: string; domain?: string; group?: string; key: string }, text = VALUE) =>
  trpc.secrets.set.mutate({ ...id, value: { text } });
/** What tasks would get, asked as claims ask. */
const stored = (keys = KEYS): SecretSource => storedSource(api.database.db, keyring(readLocalKeys(keys)));
const find = async (project: string, domain: string, group: string, key: string, version = "") => {
  const value = await stored().find({ org: "", project, domain, group, key, version });
  return value && Buffer.from(value).toString();
};

test("the narrowest scope wins, the newest version counts unless one is named, and nobody gets another's", async () => {
  const id = { group: "scoped", key: "k" };
  await set(id, "everybody's");
  await set({ ...id, domain: "development" }, "the domain's");
  await set({ ...id, project: "flytesnacks" }, "the project's");
  expect(await set({ ...id, ...P }, "narrow, first")).toEqual({ version: 1 });
  expect(await set({ ...id, ...P }, "narrow, second")).toEqual({ version: 2 });
  expect(await find("flytesnacks", "development", "scoped", "k")).toBe("narrow, second");
  expect(await find("flytesnacks", "development", "scoped", "k", "1")).toBe("narrow, first");
  expect(await find("flytesnacks", "staging", "scoped", "k")).toBe("the project's");
  expect(await find("other", "development", "scoped", "k")).toBe("the domain's");
  expect(await find("other", "staging", "scoped", "k")).toBe("everybody's");
  expect(await find("flytesnacks", "development", "scoped", "k", "7")).toBeUndefined();
  for (const version of ["latest", "01", "-1", "1; drop table secrets", "99999999999999"]) {
    expect(await find("flytesnacks", "development", "scoped", "k", version)).toBeUndefined();
  }
  await set({ ...P, group: "own", key: "k" });
  for (const [project, group] of [
    ["other", "own"],
    ["other", "flytesnacks/development/own"],
    ["", "own"],
  ] as const) {
    expect(await find(project, "development", group, "k")).toBeUndefined();
  }
});

test("values set at the same moment become versions of their own", async () => {
  const id = { ...P, group: "race", key: "k" };
  const versions = await Promise.all([1, 2, 3].map((at) => set(id, `value ${at}`)));
  expect(versions.map(({ version }) => version).sort()).toEqual([1, 2, 3]);
});

test("a list names what there is and holds no value; nor does the database, its ciphertext decoded or not", async () => {
  const binary = Buffer.from([0, 255, 254, 1, 2, 3]);
  await set({ ...P, group: "listed", key: "text" });
  await trpc.secrets.set.mutate({ ...P, group: "listed", key: "bytes", value: { base64: binary.toString("base64") } });
  await set({ project: "other", group: "listed", key: "theirs" });
  await set({ key: "without-group" });
  const listed = await trpc.secrets.list.query(P);
  const names = listed.items.map(({ group, key }) => `${group}/${key}`);
  expect(names).toEqual(expect.arrayContaining(["listed/text", "listed/bytes", "null/without-group"]));
  expect(names).not.toContain("listed/theirs");
  const text = listed.items.find(({ key }) => key === "text");
  expect(text).toEqual({
    ...P,
    group: "listed",
    key: "text",
    version: 1,
    createdBy: "anonymous",
    createdAt: expect.any(String),
  });
  const all = await trpc.secrets.list.query({});
  expect(all.items.map(({ key }) => key)).toContain("theirs");
  const page = await trpc.secrets.list.query({ limit: 1 });
  expect([page.items.length, page.nextCursor]).toEqual([1, 1]);
  expect(JSON.stringify([listed, all])).not.toContain(VALUE);
  const { rows } = await api.database.pool.query<{ row: Record<string, string> }>(
    "select to_jsonb(s) as row from secrets s",
  );
  for (const { row } of rows) {
    const columns = Object.values(row).map(String);
    const decoded = columns.map((column) => Buffer.from(column.replace(/^\\x/, ""), "hex").toString("latin1"));
    expect([...columns, ...decoded].join("\n")).not.toContain(VALUE);
  }
  expect(await stored().find({ org: "", ...P, group: "listed", key: "bytes", version: "" })).toEqual(binary);
});

test("what cannot be kept is refused with the field's name", async () => {
  const bad = (change: object) =>
    errorOf(trpc.secrets.set.mutate({ ...P, group: "g", key: "k", value: { text: "v" }, ...change }));
  for (const key of ["", "..", "a/b", "a b", "-a", "ü", "a\u0000", "x".repeat(129)]) {
    expect((await bad({ key })).message, JSON.stringify(key)).toMatch(/^key\b/);
  }
  expect((await bad({ group: "../other" })).message).toMatch(/^group\b/);
  expect((await bad({ value: { text: "" } })).message).toContain("value is empty");
  expect((await bad({ value: { text: "x".repeat(65_537) } })).message).toContain("at most 65536");
  expect((await bad({ value: { base64: "no base64!" } })).message).toContain("base64");
  expect((await bad({ value: {} })).message).toMatch(/^value/);
  expect((await bad({ project: "missing" })).message).toContain("missing");
  expect((await bad({ domain: "missing" })).message).toContain("use one of development");
});

test("what is deleted is gone in exactly its scope", async () => {
  const id = { group: "gone", key: "k" };
  await set(id, "everybody's");
  await set({ ...id, ...P }, "narrow");
  await trpc.secrets.delete.mutate({ ...id, ...P });
  expect(await find("flytesnacks", "development", "gone", "k")).toBe("everybody's");
  expect(await errorOf(trpc.secrets.delete.mutate({ ...id, ...P }))).toMatchObject({ code: "not_found" });
  expect(await set({ ...id, ...P }, "again")).toEqual({ version: 1 });
});

test("rotation puts everything under the first key, goes on where it stopped, and leaves what it cannot read", async () => {
  await set({ ...P, group: "rotated", key: "k" });
  const { rows } = await api.database.pool.query<{ count: number }>("select count(*)::int as count from secrets");
  const count = rows[0]?.count ?? 0;
  await api.database.pool.query(
    `insert into secrets (project, domain, "group", key, version, key_id, data_key, ciphertext, created_by)
     values ('', '', '!', 'lost', 1, 'forgotten', '\\x00', '\\x00', 'x')`,
  );
  const rotating = await startTestApi({ databaseUrl: api.database.url, secretsKeys: KEYS });
  const rotate = () => openTestTrpc(rotating.url).secrets.rotate.mutate(undefined);
  expect(await rotate()).toEqual({ rotated: count, failed: 1, left: 1 });
  expect(await rotate()).toEqual({ rotated: 0, failed: 1, left: 1 });
  await rotating.close();
  const value = await stored(NEW_KEY).find({ org: "", ...P, group: "rotated", key: "k", version: "" });
  expect(Buffer.from(value ?? []).toString()).toBe(VALUE);
  await expect(stored(NEW_KEY).find({ org: "", ...P, group: "!", key: "lost", version: "" })).rejects.toMatchObject({
    reason: "secret_key_unknown",
  });
});

test("without a master key nothing can be set, and the answer says what to do", async () => {
  const keyless = await startTestApi();
  const error = await errorOf(openTestTrpc(keyless.url).secrets.set.mutate({ key: "k", value: { text: "v" } }));
  expect(error).toMatchObject({ code: "failed_precondition", message: expect.stringContaining("SKEIN_SECRETS_KEY") });
  await keyless.close();
});

test("a grant carries what the task and its run ask for, of their own project only", async () => {
  await set({ ...P, group: "claimed", key: "k" });
  const secret = (change: object) => ({
    group: "claimed",
    key: "k",
    mountRequirement: Secret_MountType.ANY,
    ...change,
  });
  const template = create(TaskTemplateSchema, {
    securityContext: {
      secrets: [
        secret({ mountRequirement: Secret_MountType.ENV_VAR, envVar: "MINE" }),
        secret({ key: "missing", mountRequirement: Secret_MountType.FILE }),
        secret({ key: "" }),
        secret({ group: "nul\0" }),
      ],
    },
  });
  const spec = create(ExecutionSpecSchema, { securityContext: { secrets: [secret({ groupVersion: "1" })] } });
  const tenant = { org: "", ...P };
  const value = Buffer.from(VALUE).toString("base64");
  const expected: ClaimGrant["secrets"] = [
    { group: "claimed", version: "", key: "k", mount: "variable", variable: "MINE", value },
    { group: "claimed", version: "", key: "missing", mount: "file", variable: null, value: null },
    { group: "claimed", version: "1", key: "k", mount: "any", variable: null, value },
  ];
  expect(await grantSecrets(stored(), tenant, template, spec)).toEqual(expected);
  const theirs = await grantSecrets(stored(), { ...tenant, project: "other" }, template, spec);
  expect(theirs.map((one) => one.value)).toEqual([null, null, null]);
  expect(await grantSecrets(openSources([], { environment: {} }), tenant, template, spec)).toHaveLength(3);
});

test("a run's token neither reads nor writes secrets, an agent's neither", () => {
  const run = { kind: "run", subject: "r", name: "r", scopes: [], tenant: P } as const;
  const agent = { kind: "agent", subject: "a", name: "a", scopes: [], pool: "default" } as const;
  for (const caller of [run, agent]) {
    for (const permission of ["secret:read", "secret:write"] as const)
      expect(defaultPolicy(caller, permission, P)).toBe(false);
  }
});
