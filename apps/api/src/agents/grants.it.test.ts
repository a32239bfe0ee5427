import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { attemptToken, type ClaimGrant, tokenHash } from "@skein/contracts";
import { openNotifier } from "@skein/db";
import { SkeinError } from "@skein/errors";
import { fromBytes, toBytes } from "@skein/idl";
import { ExecutionSpecSchema, MatchingAttributesSchema } from "@skein/idl/admin";
import { CompiledWorkflowClosureSchema, Resources_ResourceName, TaskTemplateSchema } from "@skein/idl/core";
import type { SecretSource } from "@skein/secrets";
import { openCredentialScoper, openStorage, type Storage } from "@skein/storage";
import {
  createTempFolder,
  createTestDatabase,
  insertProject,
  insertRow,
  insertRun,
  insertWorkflow,
  type TestDatabase,
} from "@skein/testing";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type AgentService, createAgentService } from "./agent-service.ts";
import { checkpointPrefix } from "./raw-output.ts";
import { createStoreCredentials } from "./store-credentials.ts";

const KEY = "k".repeat(40);
const TENANT = { project: "flytesnacks", domain: "development" };
const taskId = { ...TENANT, name: "t", version: "v1" };
const ARGS = ["pyflyte-execute", "--prev-checkpoint", "{{.prevCheckpointPrefix}}"];

let database: TestDatabase;
let folder: { path: string; close(): Promise<void> };
let storage: Storage;
let agents: AgentService;
let runId: string;

interface TaskShape {
  readonly securityContext?: { secrets: { group: string; key: string }[] };
  readonly type?: string;
  readonly metadata?: {
    readonly isEager?: boolean;
    readonly interruptibleValue?: { case: "interruptible"; value: boolean };
  };
  readonly config?: Readonly<Record<string, string>>;
  /** What its container asks for. */
  readonly memory?: string;
}

const reference = { case: "referenceId" as const, value: taskId };
const nodes = [{ id: "n0", target: { case: "taskNode" as const, value: { reference } } }];

function closureOf(image: string, { memory, ...shape }: TaskShape = {}): Buffer {
  const requests = memory === undefined ? [] : [{ name: Resources_ResourceName.MEMORY, value: memory }];
  const value = { image, args: ARGS, resources: { requests } };
  const template = { ...shape, id: taskId, target: { case: "container" as const, value } };
  const closure = create(CompiledWorkflowClosureSchema, { primary: { template: { nodes } }, tasks: [{ template }] });
  return Buffer.from(toBytes(CompiledWorkflowClosureSchema, closure));
}

const newRun = async (closure: Buffer, columns: Parameters<typeof insertRun>[2] = {}) =>
  insertRun(database.pool, await insertWorkflow(database.pool, { compiled: closure }), columns);

let isVaultAway = false;
const secrets: SecretSource = {
  name: "the vault",
  find: async ({ project, group, key }) => {
    if (isVaultAway) throw new SkeinError("unavailable", "vault_away", "The vault does not answer");
    return Buffer.from(`${project}/${group}/${key}`);
  },
};

interface ActionColumns {
  readonly [column: string]: string | number | boolean | null;
}

/** A queued action with its current attempt. */
async function insertAction(ofRun: string, ordinal: number, columns: ActionColumns = {}): Promise<void> {
  const own = { run_id: ofRun, ordinal, name: `n${ordinal}`, spec_node_id: "n0", kind: "task", attempts: 1 };
  const rest = { task_key: "flytesnacks:development:t:v1", phase: "queued", changed_seq: 1 };
  await insertRow(database.pool, "actions", { ...TENANT, ...own, ...rest, ...columns });
  const attempt = Number(columns.attempts ?? 1) - 1;
  const token_hash = tokenHash(attemptToken(KEY, { runId: ofRun, ordinal, attempt }));
  const shared = { run_id: ofRun, ordinal, attempt, project: "flytesnacks", shard: 0, pool: "default" };
  const more = { kind: "container", phase: "queued", token_hash, queued_at: new Date(), changed_seq: 1 };
  await insertRow(database.pool, "attempts", { ...shared, ...more });
}

async function claim(ordinal: number, attempt = 0): Promise<ClaimGrant> {
  const id = { runId, ordinal, attempt };
  const wanted = { ...id, token: attemptToken(KEY, id) };
  const [result] = (await agents.claim({ agentId: "a1", pool: "default", attempts: [wanted] })).results;
  if (!result || !("granted" in result)) throw new Error(`no grant: ${JSON.stringify(result)}`);
  return result.granted;
}

const imageOf = ({ taskTemplate }: ClaimGrant): string => {
  const { target } = fromBytes(TaskTemplateSchema, Buffer.from(taskTemplate, "base64"));
  return target.case === "container" ? target.value.image : "";
};

beforeEach(async () => {
  database = await createTestDatabase();
  folder = createTempFolder("grants");
  storage = await openStorage({ uri: `file://${folder.path}` });
  const signToken = async ({ runId: ofRun, project, domain }: { runId: string; project: string; domain: string }) =>
    `token of ${ofRun} in ${project}/${domain}`;
  const notifier = openNotifier(database.pool);
  agents = createAgentService({ pool: database.pool, storage, notifier, signToken, secretKey: KEY, secrets });
  await insertProject(database.pool);
  runId = await newRun(closureOf("plain:1"));
});
afterEach(async () => {
  storage.close();
  await folder.close();
  await database.close();
});

test("what a task wrote is found in its expansion, in its row or in the object store", async () => {
  await insertAction(runId, 2, { is_expanded: true });
  await insertAction(runId, 3, { parent_ordinal: 2, is_expanded: true });
  await insertAction(runId, 4, { parent_ordinal: 3 });
  const spec_uri = "file:///spec";
  await insertRow(database.pool, "expansions", { run_id: runId, ordinal: 2, compiled: closureOf("one:1"), spec_uri });
  const uri = storage.join("written.pb");
  await storage.put(uri, closureOf("two:1"));
  await insertRow(database.pool, "expansions", { run_id: runId, ordinal: 3, uri, spec_uri });
  const images = [imageOf(await claim(2)), imageOf(await claim(3)), imageOf(await claim(4))];
  expect(images).toEqual(["plain:1", "one:1", "two:1"]);
});

test("items share the map's inputs, which travel by URI once they are large, and are stored once", async () => {
  const inputs = async (ordinal: number, data: Buffer) => {
    const value = { run_id: runId, ordinal, side: "inputs", data, size_bytes: data.length };
    await insertRow(database.pool, "action_values", value);
  };
  const map = { kind: "array", task_key: null, item_count: 2 };
  const item = (index: number, of: number) => ({ item_index: index, parent_ordinal: of, inputs_ordinal: of });
  await insertAction(runId, 2, map);
  await inputs(2, Buffer.from("small"));
  await insertAction(runId, 3, item(0, 2));
  await insertAction(runId, 5, map);
  const large = Buffer.alloc(64 * 1024 + 1, "x");
  await inputs(5, large);
  await insertAction(runId, 6, item(0, 5));
  await insertAction(runId, 7, item(1, 5));

  expect(await claim(3)).toMatchObject({ arrayIndex: 0, inputs: { data: Buffer.from("small").toString("base64") } });
  const [first, second] = await Promise.all([claim(6), claim(7)]);
  expect([first.arrayIndex, second.arrayIndex]).toEqual([0, 1]);
  expect(first.inputs).toEqual(second.inputs);
  if (!("uri" in first.inputs)) throw new Error("large shared inputs came inline");
  expect(first.inputs.sizeBytes).toBe(large.length);
  expect(Buffer.from(await storage.get(first.inputs.uri))).toEqual(large);
});

test("an attempt goes on from the newest checkpoint that there is, of its own action or of the recovered run", async () => {
  const oldest = await newRun(closureOf("plain:1"), { name: "oldest" });
  await insertAction(oldest, 2, { attempts: 2 });
  const middle = await newRun(closureOf("plain:1"), { name: "middle", reference_run_id: oldest });
  await insertAction(middle, 5, { attempts: 1, reference_ordinal: 2 });
  runId = await newRun(closureOf("plain:1"), { name: "newest", reference_run_id: middle });
  await insertAction(runId, 8, { attempts: 1, reference_ordinal: 5 });
  await database.pool.query(
    `insert into attempts (run_id, ordinal, attempt, project, shard, pool, kind, phase, token_hash, queued_at, changed_seq)
     select run_id, ordinal, 1, project, shard, pool, kind, phase, $2, queued_at, 1 from attempts where run_id = $1`,
    [runId, tokenHash(attemptToken(KEY, { runId, ordinal: 8, attempt: 1 }))],
  );
  const leave = async (runName: string, ordinal: number, attempt: number): Promise<string> => {
    const place = checkpointPrefix(
      storage.join("raw", TENANT.project, TENANT.domain),
      { runName, actionName: `n${ordinal}` },
      attempt,
    );
    await storage.put(`${place}/state`, Buffer.from("x"));
    return place;
  };
  const previous = async (attempt: number) => (await claim(8, attempt)).previousCheckpointPrefix;

  expect(await previous(0)).toBeNull();
  const ofOldest = await leave("oldest", 2, 1);
  expect([await previous(0), await previous(1)]).toEqual([ofOldest, ofOldest]);
  const ofMiddle = await leave("middle", 5, 0);
  expect(await previous(0)).toBe(ofMiddle);
  const own = await leave("newest", 8, 0);
  expect([await previous(0), await previous(1)]).toEqual([ofMiddle, own]);
});

test("a checkpoint whose place cannot be looked at is taken as it is", async () => {
  for (const outputLocationPrefix of ["s3://elsewhere/raw", `file://${folder.path}/../raw`]) {
    const spec = toBytes(
      ExecutionSpecSchema,
      create(ExecutionSpecSchema, { rawOutputDataConfig: { outputLocationPrefix } }),
    );
    runId = await newRun(closureOf("plain:1"), { name: "odd", spec: Buffer.from(spec) });
    await insertAction(runId, 2, { attempts: 2 });
    const place = checkpointPrefix(outputLocationPrefix, { runName: "odd", actionName: "n2" }, 0);
    expect((await claim(2, 1)).previousCheckpointPrefix).toBe(place);
    await database.pool.query("update runs set name = id::text");
  }
});

test("an attempt after others that ran out of memory has more, in the run's words or else in the task's", async () => {
  const memoryOf = ({ taskTemplate }: ClaimGrant) => {
    const { target } = fromBytes(TaskTemplateSchema, Buffer.from(taskTemplate, "base64"));
    return target.case === "container" ? target.value.resources?.requests[0]?.value : undefined;
  };
  const hungry = closureOf("hungry:1", { memory: "100Mi", config: { "skein.dev/memory-on-oom": "x2 max 1Gi" } });
  runId = await newRun(hungry, { name: "hungry" });
  await insertAction(runId, 2);
  await insertAction(runId, 3, { attempts: 4, user_failures: 1 });
  expect([memoryOf(await claim(2)), memoryOf(await claim(3, 3))]).toEqual(["100Mi", "400Mi"]);
  runId = await newRun(hungry, { name: "hungrier", memory_growth: "x3 max 1Gi" });
  await insertAction(runId, 2, { attempts: 2 });
  expect(memoryOf(await claim(2, 1))).toBe("300Mi");
});

test("a task asks for what is set for its project, also once its memory has grown, and its pod is told", async () => {
  const resources = { defaults: { cpu: "250m", memory: "64Mi" }, limits: { memory: "150Mi" } };
  const set = async (type: string, target: NonNullable<MessageInitShape<typeof MatchingAttributesSchema>["target"]>) =>
    insertRow(database.pool, "attributes", {
      ...{ ...TENANT, type },
      attributes: Buffer.from(toBytes(MatchingAttributesSchema, create(MatchingAttributesSchema, { target }))),
    });
  await set("task_resource", { case: "taskResourceAttributes", value: resources });
  await set("cluster_resource", { case: "clusterResourceAttributes", value: { attributes: { quota: "9" } } });
  runId = await newRun(closureOf("plain:1"), { name: "bounded" });
  await insertAction(runId, 2);
  const plain = await claim(2);
  expect(amountsIn(plain)).toEqual({ CPU: "250m", MEMORY: "64Mi" });
  expect(plain.policy).toEqual({
    resourceDefaults: { cpu: "250m", memory: "64Mi" },
    resourceLimits: { memory: "150Mi" },
    namespaceValues: { quota: "9" },
  });
  const hungry = closureOf("hungry:1", { memory: "100Mi", config: { "skein.dev/memory-on-oom": "x2 max 1Gi" } });
  runId = await newRun(hungry, { name: "hungry-bounded" });
  await insertAction(runId, 2, { attempts: 2, user_failures: 0 });
  expect(amountsIn(await claim(2, 1))).toMatchObject({ MEMORY: "150Mi" });
});

function amountsIn({ taskTemplate }: ClaimGrant): Record<string, string> {
  const { target } = fromBytes(TaskTemplateSchema, Buffer.from(taskTemplate, "base64"));
  const requests = (target.case === "container" && target.value.resources?.requests) || [];
  return Object.fromEntries(requests.map(({ name, value }) => [Resources_ResourceName[name], value]));
}

test("the last try that the system's failures leave is not interruptible", async () => {
  const interruptibleValue = { case: "interruptible" as const, value: true };
  runId = await newRun(closureOf("spot:1", { metadata: { interruptibleValue } }), { name: "spot" });
  await insertAction(runId, 2, { attempts: 3, system_failures: 2 });
  await insertAction(runId, 3, { attempts: 4, system_failures: 3 });
  expect([(await claim(2, 2)).interruptible, (await claim(3, 3)).interruptible]).toEqual([true, false]);
});

test("only a task that is a client of the server gets a token, which is its run's", async () => {
  await insertAction(runId, 2);
  expect((await claim(2)).platform).toBeNull();
  for (const template of [{ metadata: { isEager: true } }, { type: "eager_failure_handler_task" }]) {
    runId = await newRun(closureOf("eager:1", template));
    await insertAction(runId, 2);
    expect((await claim(2)).platform).toEqual({ token: `token of ${runId} in flytesnacks/development` });
  }
});

test("an attempt waits for a source of secrets that is away, and holds no other up", async () => {
  const asking = await newRun(closureOf("asking:1", { securityContext: { secrets: [{ group: "g", key: "k" }] } }), {
    name: "asking",
  });
  await insertAction(asking, 2);
  await insertAction(runId, 2);
  const claimBoth = async () => {
    const attempts = [asking, runId].map((ofRun) => {
      const id = { runId: ofRun, ordinal: 2, attempt: 0 };
      return { ...id, token: attemptToken(KEY, id) };
    });
    return (await agents.claim({ agentId: "a1", pool: "default", attempts })).results;
  };
  isVaultAway = true;
  const [waiting, granted] = await claimBoth();
  expect([waiting, Object.keys(granted ?? {})]).toEqual([{ later: "The vault does not answer" }, ["granted"]]);
  const { attempts } = await agents.held({ agentId: "a1", pool: "default", after: null });
  const unknown = { group: "g", version: "", key: "k", mount: "any", variable: null, value: null };
  expect(attempts.map(({ grant }) => [grant.runName, grant.secrets])).toContainEqual(["asking", [unknown]]);
  isVaultAway = false;
  const [answered] = await claimBoth();
  const value = Buffer.from("flytesnacks/g/k").toString("base64");
  const secret = { group: "g", version: "", key: "k", mount: "any", variable: null, value };
  expect(answered).toMatchObject({ granted: { secrets: [secret] } });
});

test("an attempt waits while nobody can make its credentials for the object store", async () => {
  // Nobody listens there.
  vi.stubEnv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9");
  const scoper = await openCredentialScoper({
    roleArn: "arn:aws:iam::123456789012:role/tasks",
    secondsMax: 900,
    region: "eu-central-1",
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
  });
  const bucket = await openStorage({ uri: "s3://bucket/skein" });
  const storeCredentials = createStoreCredentials(scoper, bucket, []);
  const notifier = openNotifier(database.pool);
  const parts = { pool: database.pool, storage: bucket, notifier, signToken: undefined, secretKey: KEY, secrets };
  agents = createAgentService({ ...parts, storeCredentials });
  await insertAction(runId, 2);
  const id = { runId, ordinal: 2, attempt: 0 };
  const attempts = [{ ...id, token: attemptToken(KEY, id) }];
  const { results } = await agents.claim({ agentId: "a1", pool: "default", attempts });
  expect(results).toEqual([{ later: expect.stringContaining("SKEIN_TASK_ROLE_ARN") }]);
  vi.unstubAllEnvs();
  scoper.close();
  bucket.close();
});
