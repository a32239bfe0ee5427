import type pg from "pg";
import type { PurgeKind } from "./purges.ts";

/** An object of a run, and all that a reference to it may say: its own address and the folders of the run around it. */
export interface ObjectToDelete {
  readonly uri: string;
  readonly sizeBytes: number;
  readonly folders: readonly string[];
  /** The attempt that wrote it, where its place says so. */
  readonly ordinal: number | null;
  readonly attempt: number | null;
}

/**
 * Who may hold an object `c.uri` of the run $1:
 * an action of another run that made or used it, or of any run whose outputs are in the cache;
 * a value or a workflow of another run that lies there, or with $2 of the run itself;
 * a cache entry that lies there, or that a catalog's client wrote and that names it in its text.
 * A run that is purged itself holds nothing.
 */
const IS_HELD = `
  exists (
    select from artifact_links l where l.uri_hash = md5(c.uri)::uuid and l.uri = c.uri and (
      exists (select from cache_entries e where e.source_run_id = l.run_id and e.source_ordinal = l.ordinal)
      or l.run_id <> $1 and exists (select from runs r where r.id = l.run_id and r.state <> 'purged'))
  ) or exists (
    select from action_values v join runs r on r.id = v.run_id and r.state <> 'purged'
    where v.uri = c.uri and ($2 or v.run_id <> $1)
  ) or exists (
    select from expansions x join runs r on r.id = x.run_id and r.state <> 'purged'
    where (x.spec_uri = c.uri or x.uri = c.uri) and ($2 or x.run_id <> $1)
  ) or exists (select from cache_entries e where e.uri = c.uri)
  or exists (
    select from cache_entries e where e.source_run_id is null and position(convert_to(c.uri, 'UTF8') in e.data) > 0
  )`;

/** An entry of the cache holds all that the attempt wrote which computed it: its outputs may name files in any words. */
const IS_CACHED = `exists (
    select from cache_entries e
    where e.source_run_id = $1 and e.source_ordinal = o.ordinal and e.source_attempt = o.attempt
  )`;

/** Which of the objects, by their place in the list, somebody else still points at. */
export async function findHeldObjects(
  pool: pg.Pool,
  runId: string,
  kind: PurgeKind,
  objects: readonly ObjectToDelete[],
): Promise<Set<number>> {
  const addresses = objects.flatMap(({ uri, folders }, object) =>
    [uri, ...folders.flatMap((folder) => [folder, `${folder}/`])].map((address) => ({ object, address })),
  );
  const { rows } = await pool.query<{ object: number }>(
    `select distinct c.object from unnest($3::int[], $4::text[]) c(object, uri) where ${IS_HELD}
     union
     select o.object from unnest($5::int[], $6::int[], $7::int[]) o(object, ordinal, attempt) where ${IS_CACHED}`,
    [
      runId,
      kind === "objects",
      addresses.map(({ object }) => object),
      addresses.map(({ address }) => address),
      objects.map((_, object) => object),
      objects.map(({ ordinal }) => ordinal),
      objects.map(({ attempt }) => attempt),
    ],
  );
  return new Set(rows.map(({ object }) => object));
}

/** Remembers objects that are kept, so that they are deleted when nobody points at them any more. */
export async function keepObjects(pool: pg.Pool, runId: string, objects: readonly ObjectToDelete[]): Promise<void> {
  await pool.query(
    `insert into kept_objects (run_id, uri_hash, uri, size_bytes, ordinal, attempt)
     select $1, md5(k.uri)::uuid, k.uri, k.size_bytes, k.ordinal, k.attempt
     from unnest($2::text[], $3::bigint[], $4::int[], $5::int[]) k(uri, size_bytes, ordinal, attempt)
     on conflict do nothing`,
    [
      runId,
      objects.map(({ uri }) => uri),
      objects.map(({ sizeBytes }) => sizeBytes),
      objects.map(({ ordinal }) => ordinal),
      objects.map(({ attempt }) => attempt),
    ],
  );
}

/** A kept object of a purged run. */
export interface KeptObject {
  readonly runId: string;
  readonly project: string;
  readonly domain: string;
  readonly name: string;
  readonly uri: string;
  readonly sizeBytes: number;
  readonly ordinal: number | null;
  readonly attempt: number | null;
}

/** The kept objects that nobody looked at for the longest time, and for `ageMs` at least. */
export async function readKeptObjects(pool: pg.Pool, ageMs: number, limit: number): Promise<KeptObject[]> {
  const { rows } = await pool.query<KeptObject>(
    `with due as (
       update kept_objects set checked_at = now() where (run_id, uri_hash) in (
         select run_id, uri_hash from kept_objects where checked_at <= now() - $1 * interval '1 millisecond'
         order by checked_at limit $2)
       returning run_id, uri, size_bytes, ordinal, attempt
     )
     select d.run_id as "runId", r.project, r.domain, r.name, d.uri, d.size_bytes::float8 as "sizeBytes", d.ordinal, d.attempt
     from due d join runs r on r.id = d.run_id order by d.run_id`,
    [ageMs, limit],
  );
  return rows;
}

export async function forgetKeptObjects(pool: pg.Pool, runId: string, uris: readonly string[]): Promise<void> {
  await pool.query(
    "delete from kept_objects where run_id = $1 and uri_hash in (select md5(u)::uuid from unnest($2::text[]) u)",
    [runId, uris],
  );
}
