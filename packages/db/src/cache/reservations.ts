import type { CacheAddress } from "@skein/engine";
import type pg from "pg";
import { type Column, columnSet } from "../loop/columns.ts";
import { ADDRESS, ADDRESS_COLUMNS, type Positioned, withPositions } from "./address-columns.ts";

/** Somebody who wants to compute what an address stands for, while all others wait. */
export interface WantedReservation extends CacheAddress {
  readonly ownerId: string;
  /** The action that would compute it; null for a catalog client. */
  readonly action: { readonly runId: string; readonly ordinal: number } | null;
  readonly heartbeatSeconds: number;
}

export interface Reservation {
  readonly ownerId: string;
  readonly heartbeatSeconds: number;
  readonly expiresAt: Date;
}

/** A reservation counts until its owner has missed this many heartbeats. */
const BEATS = 3;
const expiry = (heartbeat: string) => `now() + make_interval(secs => ${heartbeat} * ${BEATS})`;

/** An owner that is one of our actions and is over, or gone, holds nothing any more. */
const OWNER_IS_OVER = `r.run_id is not null and not exists (
  select from actions a where a.run_id = r.run_id and a.ordinal = r.ordinal and a.ended_at is null)`;

const isSameAddress = (a: string, b: string): string =>
  ADDRESS_COLUMNS.map(([name]) => `${a}.${name} = ${b}.${name}`).join(" and ");

const wantedColumns: readonly Column<Positioned<WantedReservation>>[] = [
  ...ADDRESS_COLUMNS,
  ["owner_id", "text", (row) => row.ownerId],
  ["run_id", "uuid", (row) => row.action?.runId ?? null],
  ["ordinal", "int", (row) => row.action?.ordinal ?? null],
  ["heartbeat_seconds", "int", (row) => row.heartbeatSeconds],
  ["position", "int", (row) => row.position],
];
const wantedRows = columnSet(wantedColumns);

/**
 * Takes each reservation that nobody else holds, and extends those that their owner holds already. Answers who holds
 * them now, in the order of the question; undefined for one that changes hands at this very moment: ask again. No address
 * may be asked for twice. Rows are taken in the order of their key, so that two who want the same ones do not deadlock.
 */
export async function takeReservations(
  pool: pg.Pool,
  wanted: readonly WantedReservation[],
): Promise<(Reservation | undefined)[]> {
  const { rows } = await pool.query<Positioned<Reservation>>({
    name: "take-reservations",
    text: `
with wanted as (
  select * from ${wantedRows.unnest("u", 1)}
), taken as (
  insert into cache_reservations as r (${ADDRESS}, owner_id, run_id, ordinal, heartbeat_seconds, expires_at)
  select ${ADDRESS}, owner_id, run_id, ordinal, heartbeat_seconds, ${expiry("heartbeat_seconds")}
  from wanted order by ${ADDRESS}
  on conflict (${ADDRESS}) do update set owner_id = excluded.owner_id, run_id = excluded.run_id, ordinal = excluded.ordinal,
    heartbeat_seconds = excluded.heartbeat_seconds, expires_at = excluded.expires_at
  where r.owner_id = excluded.owner_id or r.expires_at <= now() or ${OWNER_IS_OVER}
  returning *
), others as (
  select r.* from wanted join cache_reservations r using (${ADDRESS})
  where not exists (select from taken t where ${isSameAddress("t", "r")}) and r.owner_id <> wanted.owner_id
)
select wanted.position, held.owner_id as "ownerId", held.heartbeat_seconds as "heartbeatSeconds", held.expires_at as "expiresAt"
from wanted join (select * from taken union all select * from others) held using (${ADDRESS})`,
    values: wantedRows.values(withPositions(wanted)),
  });
  const answers: (Reservation | undefined)[] = wanted.map(() => undefined);
  for (const { position, ...reservation } of rows) answers[position] = reservation;
  return answers;
}

/** Gives a reservation back. Nothing happens when somebody else holds it. */
export async function releaseReservation(pool: pg.Pool, address: CacheAddress, ownerId: string): Promise<void> {
  const { project, domain, datasetName, datasetVersion, tag } = address;
  await pool.query({
    name: "release-reservation",
    text: `delete from cache_reservations where (${ADDRESS}) = ($1, $2, $3, $4, $5) and owner_id = $6`,
    values: [project, domain, datasetName, datasetVersion, tag, ownerId],
  });
}

/**
 * The heartbeat of all actions of these shards that hold a reservation: extended while the action is not over, deleted
 * once it is.
 */
export async function beatReservations(pool: pg.Pool, shards: readonly number[]): Promise<void> {
  await pool.query({
    name: "beat-reservations",
    text: `
with ours as (
  select r.run_id, r.ordinal, exists (
    select from actions a where a.run_id = r.run_id and a.ordinal = r.ordinal and a.ended_at is null) as is_live
  from cache_reservations r join runs on runs.id = r.run_id
  where runs.shard = any($1::smallint[])
), over as (
  delete from cache_reservations r using ours where r.run_id = ours.run_id and r.ordinal = ours.ordinal and not ours.is_live
)
update cache_reservations r set expires_at = ${expiry("r.heartbeat_seconds")}
from ours where r.run_id = ours.run_id and r.ordinal = ours.ordinal and ours.is_live`,
    values: [shards],
  });
}

/** Deletes reservations that expired long ago: nobody has asked for them since. Answers how many. */
export async function deleteExpiredReservations(pool: pg.Pool): Promise<number> {
  const { rowCount } = await pool.query("delete from cache_reservations where expires_at < now() - interval '1 hour'");
  return rowCount ?? 0;
}
