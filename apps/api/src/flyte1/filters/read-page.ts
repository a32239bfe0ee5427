/** One page of a list, as far as it fits into an answer. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  /** For the next page; empty after the last. */
  readonly token: string;
}

/** A row that knows what it weighs. */
interface Weighed {
  readonly storedBytes: number;
}

interface Range {
  readonly limit: number;
  readonly offset: number;
}

/** flytekit takes no message over 20 MiB. */
const PAGE_BYTES_MAX = 18 * 1024 * 1024;
/** Ids, times and states around what a row holds. */
const FRAME_BYTES = 500;
/** A page of usual size is one query. */
const FIRST_ROWS = 1_000;

/**
 * Loads the rows of a page until they are as many as asked for, or as large as an answer may be: then the token leads on, as
 * after a full page. Later loads ask for as many rows as are expected to fit, so that a huge limit does not fill the memory.
 */
export async function readPage<Row extends Weighed>(
  query: Range,
  load: (range: Range) => Promise<readonly Row[]>,
  bytesMax = PAGE_BYTES_MAX,
): Promise<Page<Row>> {
  const rows: Row[] = [];
  let bytes = 0;
  const pageSoFar = (): Page<Row> => ({ rows, token: String(query.offset + rows.length) });
  for (let wanted = FIRST_ROWS; rows.length < query.limit; wanted = rowsThatFit(rows.length, bytes, bytesMax)) {
    const range = { limit: Math.min(wanted, query.limit - rows.length), offset: query.offset + rows.length };
    const loaded = await load(range);
    for (const row of loaded) {
      const size = row.storedBytes + FRAME_BYTES;
      // The first row comes whatever its size: without it no client would ever get further.
      if (rows.length > 0 && bytes + size > bytesMax) return pageSoFar();
      rows.push(row);
      bytes += size;
    }
    if (loaded.length < range.limit) return { rows, token: "" };
  }
  return pageSoFar();
}

const rowsThatFit = (rows: number, bytes: number, bytesMax: number): number =>
  Math.max(1, Math.floor((bytesMax - bytes) / Math.max(1, bytes / rows)));
