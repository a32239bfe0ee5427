/** As many rows as the server gives at once. */
const PAGE = 1_000;

interface Paged<Row> {
  readonly items: readonly Row[];
  readonly nextCursor: number | null;
}

/** The rows of all pages, or the first `limit` of them. */
export async function readAll<Row>(
  readPage: (page: { readonly limit: number; readonly cursor: number }) => Promise<Paged<Row>>,
  limit: number = Number.POSITIVE_INFINITY,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (let cursor: number | null = 0; cursor !== null && rows.length < limit; ) {
    const page: Paged<Row> = await readPage({ limit: Math.min(PAGE, limit - rows.length), cursor });
    rows.push(...page.items);
    cursor = page.nextCursor;
  }
  return rows;
}
