import type { AttemptId, ClaimGrant } from "@skein/contracts";
import { type ClaimedAttempt, type OpenDb, type PathStep, readActionPaths } from "@skein/db";
import { SkeinError } from "@skein/errors";
import { fromBytes } from "@skein/idl";
import { ExecutionSpecSchema } from "@skein/idl/admin";
import type { TaskTemplate } from "@skein/idl/core";
import { NO_TASK_RESOURCES, openPolicyBook, type PolicyBook, type TaskResources } from "@skein/launch";
import type { SecretSource } from "@skein/secrets";
import type { Storage } from "@skein/storage";
import { askedSecrets, grantSecrets } from "../secrets/granted-secrets.ts";
import { claimGrant } from "./claim-grant.ts";
import { isClient, type SignToken } from "./client-tasks.ts";
import { findAttemptPolicy } from "./granted-policy.ts";
import { createFindCheckpoint } from "./previous-checkpoint.ts";
import { createShareInputs } from "./shared-inputs.ts";
import type { MakeStoreCredentials } from "./store-credentials.ts";
import { createFindTask } from "./task-lookup.ts";

export interface GrantOptions {
  readonly pool: OpenDb["pool"];
  readonly storage: Storage;
  /** Makes the token of tasks that are clients of this server; undefined where callers need none. */
  readonly signToken: SignToken | undefined;
  /** Knows the secrets that tasks ask for. */
  readonly secrets: SecretSource;
  /** Undefined where agents have credentials for tasks. */
  readonly storeCredentials?: MakeStoreCredentials | undefined;
  /** What administrators set for projects; a book of its own unless told. */
  readonly policies?: PolicyBook | undefined;
  /** What holds for tasks of projects for which nothing is set. */
  readonly taskResources?: TaskResources | undefined;
}

/** An attempt that an agent may make. */
export interface Granted {
  readonly id: AttemptId;
  readonly claimed: ClaimedAttempt;
}

/** What an attempt needs, or why that cannot be said now. */
export type MadeGrant = { readonly grant: ClaimGrant } | { readonly later: string };

/** Puts together what granted attempts need, in their order. */
export interface GrantMaker {
  /** One that has to wait for a secret holds no other back. */
  make(granted: readonly Granted[]): Promise<MadeGrant[]>;
  /** For attempts that run already: without the secrets and credentials that cannot be had now. */
  makeAgain(granted: readonly Granted[]): Promise<ClaimGrant[]>;
}

const LATER_MAX = 2_000;

export function createGrantMaker(options: GrantOptions): GrantMaker {
  const { pool, storage, signToken, secrets, storeCredentials } = options;
  const findTask = createFindTask(pool, storage);
  const findCheckpoint = createFindCheckpoint(pool, storage);
  const shareInputs = createShareInputs(pool, storage);
  const { policies = openPolicyBook(pool), taskResources = NO_TASK_RESOURCES } = options;
  const findPolicy = findAttemptPolicy(policies, taskResources);

  const inputsOf = async ({ id, claimed }: Granted): Promise<ClaimGrant["inputs"]> => {
    const { inputs } = claimed;
    if (!inputs) return { data: "" };
    if (inputs.data) return { data: Buffer.from(inputs.data).toString("base64") };
    return { uri: inputs.uri ?? (await shareInputs(id, claimed)), sizeBytes: inputs.sizeBytes };
  };

  const platformOf = async ({ id, claimed }: Granted, template: TaskTemplate): Promise<ClaimGrant["platform"]> => {
    if (!isClient(template)) return null;
    const { project, domain } = claimed;
    return { token: (await signToken?.({ runId: id.runId, project, domain })) ?? null };
  };

  const secretsOf = async ({ claimed }: Granted, template: TaskTemplate) => {
    const spec = fromBytes(ExecutionSpecSchema, claimed.runSpec);
    const found = await orLater(() => grantSecrets(secrets, claimed, template, spec));
    return "later" in found ? { ...found, asked: askedSecrets(template, spec) } : found;
  };

  const withCredentials = async (grant: ClaimGrant, { id }: TaskTemplate): Promise<Made> => {
    if (!storeCredentials) return { grant };
    const made = await orLater(() => storeCredentials(grant, id ?? grant));
    return "later" in made ? { ...made, grant } : { grant: { ...grant, storeCredentials: made } };
  };

  const grantOf = async (granted: Granted, path: readonly PathStep[]): Promise<Made> => {
    const { id, claimed } = granted;
    const task = await findTask(id, claimed, path);
    const [{ bounds, policy }, inputs, previousCheckpointPrefix, platform, found] = await Promise.all([
      findPolicy(claimed),
      inputsOf(granted),
      findCheckpoint(id, claimed, task.template),
      platformOf(granted, task.template),
      secretsOf(granted, task.template),
    ]);
    const later = "later" in found ? found : undefined;
    const asked = "later" in found ? found.asked : found;
    const extras = { inputs, previousCheckpointPrefix, platform, secrets: asked, ...(policy ? { policy } : {}) };
    const made = await withCredentials(claimGrant(storage, id, claimed, task, bounds, extras), task.template);
    return { ...made, ...later };
  };

  const grantsOf = async (granted: readonly Granted[]): Promise<Made[]> => {
    const paths = await pathsOf(pool, granted);
    return Promise.all(granted.map((one) => grantOf(one, paths.get(one) ?? [])));
  };

  return {
    make: async (granted) =>
      (await grantsOf(granted)).map(({ grant, later }) => (later === undefined ? { grant } : { later })),
    makeAgain: async (granted) => (await grantsOf(granted)).map(({ grant }) => grant),
  };
}

/** A grant, and why it lacks something, if it does. */
interface Made {
  readonly grant: ClaimGrant;
  readonly later?: string;
}

/** What is the operator's to mend lets the attempt wait instead of failing. */
async function orLater<T>(work: () => Promise<T>): Promise<T | { later: string }> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SkeinError) return { later: error.message.slice(0, LATER_MAX) };
    throw error;
  }
}

/** The way to each action from the run's graph. One that stands in the graph itself is its own way, without a query. */
async function pathsOf(pool: OpenDb["pool"], granted: readonly Granted[]): Promise<Map<Granted, PathStep[]>> {
  const paths = new Map<Granted, PathStep[]>();
  const nested: Granted[] = [];
  for (const one of granted) {
    const { parentOrdinal, specNodeId } = one.claimed;
    if (parentOrdinal !== null) nested.push(one);
    else paths.set(one, [{ ordinal: one.id.ordinal, specNodeId, kind: "task", isExpanded: false }]);
  }
  const read = await readActionPaths(
    pool,
    nested.map(({ id }) => id),
  );
  for (const [at, one] of nested.entries()) paths.set(one, read[at] ?? []);
  return paths;
}
