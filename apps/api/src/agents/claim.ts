import { type AttemptId, type ClaimGrant, type ClaimRequest, type ClaimResponse, tokenHash } from "@skein/contracts";
import { type ClaimedAttempt, claimAttempts, type OpenDb, type PathStep, readActionPaths } from "@skein/db";
import { invariant } from "@skein/errors";
import type { TaskTemplate } from "@skein/idl/core";
import type { Storage } from "@skein/storage";
import { claimGrant } from "./claim-grant.ts";
import { isClient, type SignToken } from "./client-tasks.ts";
import { createFindCheckpoint } from "./previous-checkpoint.ts";
import { createShareInputs } from "./shared-inputs.ts";
import { createFindTask } from "./task-lookup.ts";

interface ClaimOptions {
  readonly pool: OpenDb["pool"];
  readonly storage: Storage;
  readonly signToken: SignToken | undefined;
}

interface Granted {
  readonly id: AttemptId;
  readonly claimed: ClaimedAttempt;
}

/** Decides claims and puts together what granted attempts need. */
export function createClaim({ pool, storage, signToken }: ClaimOptions) {
  const findTask = createFindTask(pool, storage);
  const findCheckpoint = createFindCheckpoint(pool, storage);
  const shareInputs = createShareInputs(pool, storage);

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

  const grantOf = async (granted: Granted, path: readonly PathStep[]): Promise<ClaimGrant> => {
    const { id, claimed } = granted;
    const task = await findTask(id, claimed, path);
    const [inputs, previousCheckpointPrefix, platform] = await Promise.all([
      inputsOf(granted),
      findCheckpoint(id, claimed, task.template),
      platformOf(granted, task.template),
    ]);
    return claimGrant(storage, id, claimed, task, { inputs, previousCheckpointPrefix, platform });
  };

  return async ({ agentId, pool: workPool, attempts }: ClaimRequest): Promise<ClaimResponse> => {
    const wanted = attempts.map(({ token, ...id }) => ({ ...id, tokenHash: tokenHash(token) }));
    const verdicts = await claimAttempts(pool, agentId, workPool, wanted);
    const granted = verdicts.flatMap((verdict, index) => {
      const id = attempts[index];
      invariant(id, "a claim has as many verdicts as attempts");
      return verdict.granted ? [{ id, claimed: verdict.granted }] : [];
    });
    const paths = await pathsOf(pool, granted);
    const grants = await Promise.all(granted.map((one) => grantOf(one, paths.get(one) ?? [])));
    let at = 0;
    const results = verdicts.map((verdict) => {
      if (!verdict.granted) return { refused: verdict.refused };
      const grant = grants[at++];
      invariant(grant, "every granted attempt has its grant");
      return { granted: grant };
    });
    return { results };
  };
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
