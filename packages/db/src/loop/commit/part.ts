import { type Column, columnSet } from "../columns.ts";
import type { RunAdvance } from "../run-advance.ts";

/** A row that belongs to a run. */
export type OfRun<Row> = Row & { readonly runId: string };

/** One of the lists that a commit writes: its columns, the SQL that reads them, and where an advance has them. */
export interface Part {
  readonly width: number;
  readonly ctes: (firstParameter: number) => string;
  readonly values: (advances: readonly RunAdvance[]) => unknown[][];
}

/** `ctes` gets the `unnest` of the rows, under the alias `u`, and the number of the first column's parameter. */
export function part<Row>(
  columns: readonly Column<Row>[],
  rows: (advances: readonly RunAdvance[]) => readonly Row[],
  ctes: (from: string, firstParameter: number) => string,
): Part {
  const set = columnSet(columns);
  return {
    width: set.width,
    ctes: (first) => ctes(set.unnest("u", first), first),
    values: (advances) => set.values(rows(advances)),
  };
}

/** Rows that each advance has by itself. */
export const perRun =
  <Row>(pick: (advance: RunAdvance) => readonly Row[]) =>
  (advances: readonly RunAdvance[]): OfRun<Row>[] =>
    advances.flatMap((advance) => pick(advance).map((row) => ({ ...row, runId: advance.runId })));
