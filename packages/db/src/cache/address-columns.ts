import type { CacheAddress } from "@skein/engine";
import { type Column, columnSet } from "../loop/columns.ts";

/** The key of `cache_tags` and `cache_reservations`, for `join … using` and `on conflict`. */
export const ADDRESS = "project, domain, dataset_name, dataset_version, tag";

/** An address as columns, in that order. */
export const ADDRESS_COLUMNS: readonly Column<CacheAddress>[] = [
  ["project", "text", (row) => row.project],
  ["domain", "text", (row) => row.domain],
  ["dataset_name", "text", (row) => row.datasetName],
  ["dataset_version", "text", (row) => row.datasetVersion],
  ["tag", "text", (row) => row.tag],
];

export type Positioned<Row> = Row & { readonly position: number };

/** Addresses with their place in the question, so that answers can be put in its order. */
export const positionedAddresses = columnSet<Positioned<CacheAddress>>([
  ...ADDRESS_COLUMNS,
  ["position", "int", (row) => row.position],
]);

export const withPositions = <Row extends object>(rows: readonly Row[]): Positioned<Row>[] =>
  rows.map((row, position) => ({ ...row, position }));
