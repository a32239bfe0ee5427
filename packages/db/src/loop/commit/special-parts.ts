import type { ErrandKind, ReusedExpansion } from "@skein/engine";
import type { CachePut, NewArtifactLink, NewExpansion, NewSignal, ParentNews, RunAdvance } from "../run-advance.ts";
import { type OfRun, part, perRun } from "./part.ts";

const bytes = (data: Uint8Array | null): Buffer | null => (data ? Buffer.from(data) : null);

interface NewErrand {
  readonly ordinal: number;
  readonly attempt: number;
  readonly kind: ErrandKind;
}
const errandPart = part<OfRun<NewErrand> & { readonly position: number }>(
  [
    ["run_id", "uuid", (row) => row.runId],
    ["ordinal", "int", (row) => row.ordinal],
    ["attempt", "int", (row) => row.attempt],
    ["kind", "errand_kind", (row) => row.kind],
    ["position", "int", (row) => row.position],
  ],
  (advances) =>
    perRun(({ changes }) =>
      changes.commands.flatMap((command) =>
        command.type === "runErrand" ? [{ ...command, kind: command.errand }] : [],
      ),
    )(advances).map((row, position) => ({ ...row, position })),
  // Their ids say in which order the errands of one action are carried out.
  (from) => `new_errands as (
  insert into errands (run_id, ordinal, attempt, shard, kind)
  select u.run_id, u.ordinal, u.attempt, f.shard, u.kind from ${from} join fenced f on f.id = u.run_id order by u.position
  returning id, run_id, ordinal, attempt, kind
)`,
);

const endedErrandPart = part<number>(
  [["id", "bigint", (id) => id]],
  (advances) => advances.flatMap(({ errandIds }) => errandIds),
  (_, first) => `ended_errands as (
  delete from errands where id = any($${first}::bigint[])
)`,
);

const signalPart = part<OfRun<NewSignal>>(
  [
    ["run_id", "uuid", (row) => row.runId],
    ["ordinal", "int", (row) => row.ordinal],
    ["signal_id", "text", (row) => row.signalId],
    ["is_approval", "boolean", (row) => row.isApproval],
    ["type", "bytea", (row) => bytes(row.type)],
  ],
  perRun(({ signals }) => signals),
  (from) => `new_signals as (
  insert into signals (run_id, ordinal, signal_id, is_approval, type)
  select u.run_id, u.ordinal, u.signal_id, u.is_approval, u.type from ${from}
)`,
);

type CopyRow = OfRun<RunAdvance["copies"][number]>;
const copyPart = part<CopyRow>(
  [
    ["run_id", "uuid", (row) => row.runId],
    ["from_reference", "boolean", (row) => row.from.of === "reference"],
    ["from_ordinal", "int", (row) => row.from.ordinal],
    ["from_side", "value_side", (row) => row.from.side],
    ["to_ordinal", "int", (row) => row.to.ordinal],
    ["to_side", "value_side", (row) => row.to.side],
  ],
  perRun(({ copies }) => copies),
  (from) => `copied_values as (
  insert into action_values (run_id, ordinal, side, data, uri, size_bytes)
  select u.run_id, u.to_ordinal, u.to_side, v.data, v.uri, v.size_bytes
  from ${from} join fenced f on f.id = u.run_id
  join action_values v on v.run_id = case when u.from_reference then f.reference_run_id else u.run_id end
    and v.ordinal = u.from_ordinal and v.side = u.from_side
  on conflict do nothing
)`,
);

const expansionPart = part<OfRun<NewExpansion>>(
  [
    ["run_id", "uuid", (row) => row.runId],
    ["ordinal", "int", (row) => row.ordinal],
    ["compiled", "bytea", (row) => bytes(row.compiled)],
    ["uri", "text", (row) => row.uri],
    ["spec_uri", "text", (row) => row.specUri],
  ],
  perRun(({ expansions }) => expansions),
  (from) => `new_expansions as (
  insert into expansions (run_id, ordinal, compiled, uri, spec_uri)
  select u.run_id, u.ordinal, u.compiled, u.uri, u.spec_uri from ${from}
)`,
);

const reusedExpansionPart = part<OfRun<ReusedExpansion>>(
  [
    ["run_id", "uuid", (row) => row.runId],
    ["ordinal", "int", (row) => row.ordinal],
    ["reference_ordinal", "int", (row) => row.referenceOrdinal],
  ],
  perRun(({ changes }) => changes.reusedExpansions),
  (from) => `reused_expansions as (
  insert into expansions (run_id, ordinal, compiled, uri, spec_uri)
  select u.run_id, u.ordinal, e.compiled, e.uri, e.spec_uri
  from ${from} join fenced f on f.id = u.run_id
  join expansions e on e.run_id = f.reference_run_id and e.ordinal = u.reference_ordinal
)`,
);

const addressOf = ({ project, domain, datasetName, datasetVersion, tag }: CachePut): string =>
  [project, domain, datasetName, datasetVersion, tag].join("/");

/** Only one of several puts at one address can be found there. Sorted, so that two commits do not wait for each other. */
function putsWithTags(advances: readonly RunAdvance[]): (OfRun<CachePut> & { isTagged: boolean })[] {
  const puts = perRun(({ cachePuts }) => cachePuts)(advances).map((put) => ({ put, address: addressOf(put) }));
  const last = new Map(puts.map(({ put, address }) => [address, put.entryId]));
  return puts
    .sort((a, b) => (a.address < b.address ? -1 : 1))
    .map(({ put, address }) => ({ ...put, isTagged: last.get(address) === put.entryId }));
}

const keyMap = (words: Readonly<Record<string, string>>): string => {
  const pairs = Object.entries(words).map(([key, value]) => `'${key}', ${value}`);
  return `jsonb_build_object('keyMap', jsonb_build_object(${pairs.join(", ")}))`;
};
/** Who computed an entry, in the catalog's words: they are read when the run is long gone, and by Flyte's own clients. */
const SOURCE = keyMap({
  "exec-project": "f.project",
  "exec-domain": "f.domain",
  "exec-name": "r.name",
  "exec-node": "u.action_name",
  "exec-attempt": "u.attempt::text",
});

const cachePart = part<OfRun<CachePut> & { readonly isTagged: boolean }>(
  [
    ["run_id", "uuid", (row) => row.runId],
    ["ordinal", "int", (row) => row.ordinal],
    ["attempt", "int", (row) => row.attempt],
    ["entry_id", "uuid", (row) => row.entryId],
    ["project", "text", (row) => row.project],
    ["domain", "text", (row) => row.domain],
    ["name", "text", (row) => row.datasetName],
    ["version", "text", (row) => row.datasetVersion],
    ["tag", "text", (row) => row.tag],
    ["task_version", "text", (row) => row.taskVersion],
    ["action_name", "text", (row) => row.actionName],
    ["is_tagged", "boolean", (row) => row.isTagged],
    ["data", "bytea", (row) => bytes(row.data)],
    ["uri", "text", (row) => row.uri],
    ["size_bytes", "bigint", (row) => row.sizeBytes],
  ],
  putsWithTags,
  (from) => `new_cache_datasets as (
  insert into cache_datasets (project, domain, name, version, metadata)
  select distinct u.project, u.domain, u.name, u.version, ${keyMap({ "task-version": "u.task_version" })}
  from ${from} order by 1, 2, 3, 4
  on conflict do nothing
), new_cache_entries as (
  insert into cache_entries (id, org, project, domain, dataset_name, dataset_version, data, uri, size_bytes,
    source_run_id, source_ordinal, source_attempt, metadata)
  select u.entry_id, f.org, u.project, u.domain, u.name, u.version, u.data, u.uri, u.size_bytes, u.run_id, u.ordinal, u.attempt, ${SOURCE}
  from ${from} join fenced f on f.id = u.run_id join runs r on r.id = u.run_id
), new_cache_tags as (
  insert into cache_tags (project, domain, dataset_name, dataset_version, tag, entry_id)
  select u.project, u.domain, u.name, u.version, u.tag, u.entry_id from ${from} where u.is_tagged
  on conflict (project, domain, dataset_name, dataset_version, tag) do update set entry_id = excluded.entry_id
)`,
);

const linkPart = part<OfRun<NewArtifactLink>>(
  [
    ["run_id", "uuid", (row) => row.runId],
    ["ordinal", "int", (row) => row.ordinal],
    ["side", "value_side", (row) => row.side],
    ["uri", "text", (row) => row.uri],
    ["variable", "text", (row) => row.variable],
  ],
  perRun(({ links }) => links),
  (from) => `new_links as (
  insert into artifact_links (uri_hash, run_id, ordinal, side, uri, variable)
  select md5(u.uri)::uuid, u.run_id, u.ordinal, u.side, u.uri, u.variable from ${from}
  on conflict do nothing
)`,
);

/** A parent that is over needs no news. */
const parentPart = part<OfRun<ParentNews>>(
  [
    ["run_id", "uuid", (row) => row.runId],
    ["parent_run_id", "uuid", (row) => row.parent.runId],
    ["parent_ordinal", "int", (row) => row.parent.ordinal],
    ["event", "jsonb", (row) => JSON.stringify(row.event)],
    ["data", "bytea", (row) => bytes(row.outputs?.data ?? null)],
    ["uri", "text", (row) => row.outputs?.uri ?? null],
    ["size_bytes", "bigint", (row) => row.outputs?.sizeBytes ?? null],
  ],
  (advances) => advances.flatMap(({ runId, parentNews }) => (parentNews ? [{ ...parentNews, runId }] : [])),
  (from) => `told_parents as (
  select p.shard, u.* from ${from} join fenced f on f.id = u.run_id
  join runs p on p.id = u.parent_run_id and p.phase not in ('succeeded', 'failed', 'aborted')
), parent_events as (
  insert into events (run_id, shard, event) select t.parent_run_id, t.shard, t.event from told_parents t
), parent_values as (
  insert into action_values (run_id, ordinal, side, data, uri, size_bytes)
  select t.parent_run_id, t.parent_ordinal, 'outputs', t.data, t.uri, t.size_bytes from told_parents t where t.size_bytes is not null
  on conflict do nothing
)`,
);

/** Who hears of it is found out later: the wish must not get lost, and the commit must not wait. */
const endingPart = part<{ readonly runId: string }>(
  [["run_id", "uuid", (row) => row.runId]],
  (advances) => advances.filter(({ isAnnounced }) => isAnnounced),
  (from) => `new_endings as (
  insert into run_endings (run_id) select u.run_id from ${from}
  on conflict do nothing
)`,
);

/** What commits write that have to do with more than tasks and workflows. */
export const specialParts = [
  errandPart,
  endedErrandPart,
  signalPart,
  copyPart,
  expansionPart,
  reusedExpansionPart,
  cachePart,
  linkPart,
  parentPart,
  endingPart,
] as const;
