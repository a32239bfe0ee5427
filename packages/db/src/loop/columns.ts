/**
 * Turns objects into the parallel arrays that `unnest` takes. The order of `pick` is the order of the columns, so the
 * SQL text and the values are made from one list and cannot drift.
 */
export interface ColumnSet<Row> {
  /** `unnest($k::type[], …) alias(name, …)` with parameters counted from `first`. */
  readonly unnest: (alias: string, first: number) => string;
  readonly width: number;
  readonly values: (rows: readonly Row[]) => unknown[][];
}

/** One column: its name in SQL, its type, and where a row has it. Times are epoch ms, type `float8`. */
export type Column<Row> = readonly [name: string, type: string, pick: (row: Row) => unknown];

export const columnSet = <Row>(columns: readonly Column<Row>[]): ColumnSet<Row> => ({
  unnest: (alias, first) => {
    const parameters = columns.map(([, type], index) => `$${first + index}::${type}[]`).join(", ");
    return `unnest(${parameters}) ${alias}(${columns.map(([name]) => name).join(", ")})`;
  },
  width: columns.length,
  values: (rows) => columns.map(([, , pick]) => rows.map(pick)),
});

/** SQL that reads epoch milliseconds. */
export const moment = (column: string): string => `to_timestamp(${column} / 1000.0)`;
