import type { ClaimGrant, GrantedSecret } from "@skein/contracts";
import type { SecretSource } from "@skein/secrets";
import { expect, test } from "vitest";
import { secretEnvironment } from "./inject.ts";
import { taskSecrets } from "./task-secrets.ts";

const NOTHING: SecretSource = { name: "nothing", find: async () => undefined };
const secretOf = (change: Partial<GrantedSecret>): GrantedSecret => ({
  group: "Db",
  version: "",
  key: "Pass-Word",
  mount: "any",
  variable: null,
  value: Buffer.from("v").toString("base64"),
  ...change,
});
const grantOf = (...secrets: GrantedSecret[]): ClaimGrant => ({
  taskTemplate: "",
  inputs: { data: "" },
  org: "",
  project: "p",
  domain: "d",
  runName: "r",
  actionName: "n0",
  workflowKey: "p:d:w",
  environment: {},
  outputPrefix: "",
  rawOutputPrefix: "",
  previousCheckpointPrefix: null,
  arrayIndex: null,
  platform: null,
  secrets,
  storeCredentials: null,
  serviceAccount: "",
  labels: {},
  annotations: {},
  interruptible: false,
  timeoutMs: 0,
});
/** Files and variables by name, as a task finds them below `/s`. */
async function placesOf(...secrets: GrantedSecret[]) {
  const grant = grantOf(...secrets);
  const found = await taskSecrets(grant, NOTHING);
  const { FLYTE_SECRETS_ENV_PREFIX, FLYTE_SECRETS_DEFAULT_DIR, ...variables } = secretEnvironment(
    { grant, secrets: found },
    "/s",
  );
  expect([FLYTE_SECRETS_ENV_PREFIX, FLYTE_SECRETS_DEFAULT_DIR]).toEqual(["_FSEC_", "/s"]);
  return { variables, files: found.flatMap(({ file }) => file ?? []) };
}
const base64 = (bytes: Buffer | string) => Buffer.from(bytes).toString("base64");

test("a variable has flytekit's name in capitals, and one more where the task wants it", async () => {
  expect(await placesOf(secretOf({ mount: "variable", variable: "MINE" }))).toEqual({
    variables: { "_FSEC_DB_PASS-WORD": "v", MINE: "v" },
    files: [],
  });
});

test("a file has flytekit's name in small letters, and a variable that the task wants holds its path", async () => {
  for (const mount of ["file", "any"] as const) {
    expect(await placesOf(secretOf({ mount, variable: "MINE" }))).toEqual({
      variables: { MINE: "/s/db/pass-word" },
      files: ["db/pass-word"],
    });
  }
});

test("a version that is named is found with its name and without", async () => {
  expect(await placesOf(secretOf({ version: "3" }))).toMatchObject({ files: ["db/3/pass-word", "db/pass-word"] });
  const { variables } = await placesOf(secretOf({ version: "3", mount: "variable" }));
  expect(variables).toEqual({ "_FSEC_DB_3_PASS-WORD": "v", "_FSEC_DB_PASS-WORD": "v" });
});

test("what comes to the same name twice stands once, and no file is in the way of a folder", async () => {
  const files = await placesOf(
    secretOf({ group: "a", key: "b" }),
    secretOf({ group: "A", key: "B", value: base64("other") }),
    secretOf({ group: "a", version: "b", key: "c" }),
    secretOf({ group: "a/d", key: "e" }),
    secretOf({ group: "a", key: "d" }),
  );
  expect(files.files).toEqual(["a/b", "a/c", "a/d/e"]);
  const variables = await placesOf(
    secretOf({ group: "a_b", key: "c", mount: "variable" }),
    secretOf({ group: "a", key: "b_c", mount: "variable", value: base64("other") }),
  );
  expect(variables.variables).toEqual({ _FSEC_A_B_C: "v" });
});

test("no name leads out of the folder or makes a variable that nobody can set", async () => {
  const groups = ["..", "../up", "/etc", "a/../b", ".hidden", "a//b", "a\nb", "a\\..\\b", "-", "a/"];
  for (const group of groups) expect([group, (await placesOf(secretOf({ group }))).files]).toEqual([group, []]);
  for (const group of ["a=b", "a b", "a\nb"]) {
    expect([group, (await placesOf(secretOf({ group, mount: "variable" }))).variables]).toEqual([group, {}]);
  }
  for (const variable of ["A=B", "", "1A", "A B"]) {
    await expect(placesOf(secretOf({ variable })), variable).rejects.toMatchObject({ code: "invalid_argument" });
  }
});

test("what is no text can be a file but no variable", async () => {
  for (const value of [Buffer.from([0xff, 0xfe]), Buffer.from("a\0b")]) {
    expect((await placesOf(secretOf({ value: base64(value) }))).files).toEqual(["db/pass-word"]);
    const refused = placesOf(secretOf({ value: base64(value), mount: "variable" }));
    await expect(refused).rejects.toMatchObject({ reason: "secret_not_mountable" });
  }
});

test("what the api does not have the agent's own source may know, and what nobody has is left out", async () => {
  const own: SecretSource = {
    name: "own",
    find: async ({ project, domain, group, key }) =>
      key === "known" ? Buffer.from(`${project}/${domain}/${group}`) : undefined,
  };
  const grant = grantOf(
    secretOf({ key: "known", value: null }),
    secretOf({ key: "unknown", value: null }),
    secretOf({ key: "given" }),
  );
  const found = await taskSecrets(grant, own);
  expect(found.map(({ file, value }) => [file, Buffer.from(value).toString()])).toEqual([
    ["db/known", "p/d/Db"],
    ["db/given", "v"],
  ]);
  expect(secretEnvironment({ grant: grantOf(), secrets: [] }, "/s")).toEqual({});
});
