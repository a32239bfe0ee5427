import type { AttemptId } from "@skein/contracts";
import type { FailureCounts } from "@skein/engine";
import type pg from "pg";

export type ClaimRefusal = "over" | "unknown" | "taken" | "stopping";

/** One attempt that an agent asks for, with the SHA-256 of the token it shows. */
export interface WantedClaim extends AttemptId {
  readonly tokenHash: Uint8Array;
}

/** What the rows know of a granted attempt. */
export interface ClaimedAttempt extends FailureCounts {
  readonly org: string;
  readonly project: string;
  readonly domain: string;
  readonly runName: string;
  /** `flyteidl.admin.ExecutionSpec`. */
  readonly runSpec: Uint8Array;
  readonly workflowId: number;
  /** How the memory of the run's tasks grows, in the words of its annotation; empty where it does not say. */
  readonly memoryGrowth: string;
  /** `project:domain:name`. */
  readonly workflowKey: string;
  readonly actionName: string;
  readonly specNodeId: string;
  readonly taskKey: string | null;
  readonly parentOrdinal: number | null;
  /** For a map's item: its index. */
  readonly itemIndex: number | null;
  /** The map whose inputs are the item's. */
  readonly inputsOrdinal: number | null;
  /** Where the recovered run did the same. */
  readonly reference: { readonly runId: string; readonly ordinal: number } | null;
  /** Neither data nor URI: large inputs that many items share, to be had from `readSharedInputs`. */
  readonly inputs: { readonly data: Uint8Array | null; readonly uri: string | null; readonly sizeBytes: number } | null;
}

export type ClaimVerdict =
  | { readonly granted: ClaimedAttempt; readonly refused?: undefined }
  | { readonly granted?: undefined; readonly refused: ClaimRefusal };

/** What `CLAIMED_COLUMNS` answers. */
export interface ClaimedRow extends Omit<ClaimedAttempt, "workflowId" | "inputs" | "reference"> {
  readonly workflowId: string;
  readonly referenceRunId: string | null;
  readonly referenceOrdinal: number | null;
  readonly inputData: Buffer | null;
  readonly inputUri: string | null;
  readonly inputSizeBytes: string | null;
}

interface ClaimRow extends ClaimedRow {
  readonly verdict: "granted" | ClaimRefusal;
}

/** Inputs that many items share travel in each claim up to this many bytes. */
const SHARED_INPUT_BYTES_MAX = 64 * 1024;

/** What a grant is made of, from a table of runs `r` and `claimedTables`. */
export const CLAIMED_COLUMNS = `r.org, r.project, r.domain, r.name as "runName", r.spec as "runSpec", r.workflow_id as "workflowId",
       r.memory_growth as "memoryGrowth", a.attempts, a.user_failures as "userFailures", a.system_failures as "systemFailures",
       w.project || ':' || w.domain || ':' || w.name as "workflowKey", a.name as "actionName",
       a.spec_node_id as "specNodeId", a.task_key as "taskKey", a.parent_ordinal as "parentOrdinal",
       a.item_index as "itemIndex", a.inputs_ordinal as "inputsOrdinal", r.reference_run_id as "referenceRunId",
       a.reference_ordinal as "referenceOrdinal",
       case when a.inputs_ordinal is null or v.size_bytes <= ${SHARED_INPUT_BYTES_MAX} then v.data end as "inputData",
       v.uri as "inputUri", v.size_bytes as "inputSizeBytes"`;

/** Joined to a table of runs `r`, where `ordinal` is the action's. */
export const claimedTables = (ordinal: string): string => `left join workflows w on w.id = r.workflow_id
left join actions a on a.run_id = r.id and a.ordinal = ${ordinal}
left join action_values v on v.run_id = r.id and v.ordinal = coalesce(a.inputs_ordinal, ${ordinal}) and v.side = 'inputs'`;

const CLAIM_ATTEMPTS = `
with wanted as (
  select * from unnest($3::uuid[], $4::int[], $5::int[], $6::text[])
    with ordinality w(run_id, ordinal, attempt, token_hash, place)
), judged as (
  select w.run_id, w.ordinal, w.attempt, w.place, a.shard, a.phase, c.agent_id as holder,
         coalesce(a.pool = $2 and a.token_hash = decode(w.token_hash, 'hex'), false) as is_known
  from wanted w
  left join attempts a using (run_id, ordinal, attempt)
  left join claims c using (run_id, ordinal, attempt)
), inserted as (
  -- Another agent that inserts at the same moment wins or loses by the primary key.
  insert into claims (run_id, ordinal, attempt, agent_id, shard)
  select run_id, ordinal, attempt, $1, shard from judged
  where is_known and phase = 'queued' and holder is null order by run_id, ordinal, attempt
  on conflict do nothing returning run_id, ordinal, attempt
), decided as (
  select j.run_id, j.ordinal, j.place, case
    when not j.is_known then 'unknown'
    when j.phase in ('succeeded', 'failed', 'aborted') then 'over'
    when j.phase = 'aborting' then 'stopping'
    when i.run_id is not null or j.holder = $1 then 'granted'
    else 'taken' end as verdict
  from judged j left join inserted i using (run_id, ordinal, attempt)
)
select d.verdict, ${CLAIMED_COLUMNS}
from decided d
left join runs r on r.id = d.run_id and d.verdict = 'granted'
${claimedTables("d.ordinal")}
order by d.place`;

/**
 * Decides all claims of one request in one statement, in its order. An attempt goes to the first agent of its pool that
 * asks while it is queued; asking again is granted again, so that a lost answer does no harm.
 */
export async function claimAttempts(
  db: pg.Pool,
  agentId: string,
  pool: string,
  wanted: readonly WantedClaim[],
): Promise<ClaimVerdict[]> {
  const { rows } = await db.query<ClaimRow>({
    name: "claim-attempts",
    text: CLAIM_ATTEMPTS,
    values: [
      agentId,
      pool,
      wanted.map(({ runId }) => runId),
      wanted.map(({ ordinal }) => ordinal),
      wanted.map(({ attempt }) => attempt),
      wanted.map(({ tokenHash }) => Buffer.from(tokenHash).toString("hex")),
    ],
  });
  return rows.map(({ verdict, ...row }) =>
    verdict === "granted" ? { granted: toClaimed(row) } : { refused: verdict },
  );
}

/** What the rows say, in the words of a grant. */
export function toClaimed(row: ClaimedRow): ClaimedAttempt {
  const { inputData, inputUri, inputSizeBytes, workflowId, referenceRunId, referenceOrdinal, ...rest } = row;
  const inputs = inputSizeBytes === null ? null : { data: inputData, uri: inputUri, sizeBytes: Number(inputSizeBytes) };
  const hasReference = referenceRunId !== null && referenceOrdinal !== null;
  const reference = hasReference ? { runId: referenceRunId, ordinal: referenceOrdinal } : null;
  return { ...rest, workflowId: Number(workflowId), inputs, reference };
}

/** The bytes of a map's inputs, which stand in its row. */
export async function readSharedInputs(db: pg.Pool, runId: string, ordinal: number): Promise<Uint8Array | undefined> {
  const { rows } = await db.query<{ data: Buffer | null }>({
    name: "read-shared-inputs",
    text: "select data from action_values where run_id = $1 and ordinal = $2 and side = 'inputs'",
    values: [runId, ordinal],
  });
  return rows[0]?.data ?? undefined;
}

/** The graph that runs of the workflow follow: a serialized `flyteidl.core.CompiledWorkflowClosure`. */
export async function readCompiledWorkflow(db: pg.Pool, workflowId: number): Promise<Uint8Array | undefined> {
  const { rows } = await db.query<{ compiled: Buffer }>({
    name: "read-compiled-workflow",
    text: "select compiled from workflows where id = $1",
    values: [workflowId],
  });
  return rows[0]?.compiled;
}
