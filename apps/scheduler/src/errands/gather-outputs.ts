import { measureItemOutputs, readItemOutputs } from "@skein/db";
import { type Failure, OutputGatherer, WireError } from "@skein/engine";
import type { CarryOut, Errand, ErrandOutcome, ErrandTools } from "./errand.ts";

/** Outputs that are in memory at once, beside the lists that are made of them. */
const PAGE_ITEMS = 5_000;
const PAGE_BYTES = 64 * 1024 * 1024;
/** What one value of a run may be made of. */
const BYTES_MAX = 512 * 1024 * 1024;

/** Puts the outputs of a map's items together, a page after the other, and stores them like any other value. */
export const gatherOutputs =
  (tools: ErrandTools): CarryOut =>
  async (errands) => {
    const outcomes: ErrandOutcome[] = [];
    // One after the other: two large ones at once would need twice the memory.
    for (const errand of errands) outcomes.push(await gather(tools, errand));
    return outcomes;
  };

async function gather(tools: ErrandTools, errand: Errand): Promise<ErrandOutcome> {
  const { run, ordinal, action } = errand;
  const { target } = action.node;
  const count = action.itemCount ?? 0;
  const size = await measureItemOutputs(tools.pool, { runId: run.runId, ordinal }, count);
  if (size.totalBytes > BYTES_MAX) return failed(errand, tooLarge(size.totalBytes));
  const pageItems = Math.max(1, Math.min(PAGE_ITEMS, Math.floor(PAGE_BYTES / Math.max(1, size.largestBytes))));
  const gatherer = new OutputGatherer(target.kind === "array" ? target.array.outputNames : []);
  try {
    for (let first = 0; first < count; first += pageItems) {
      const page = await readPage(tools, errand, first, Math.min(count, first + pageItems));
      for (const outputs of page) gatherer.add(outputs);
    }
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    const message = `The outputs of an item cannot be read: ${error.message}.`;
    return failed(errand, { code: "OutputsNotFound", message, kind: "system", recoverable: false });
  }
  const outputs = await tools.values.toRow(run, { ordinal, side: "outputs", bytes: gatherer.finish() });
  return { type: "told", event: { type: "outputsGathered", ordinal, atMs: Date.now() }, outputs };
}

/** The outputs of items `first` to `end`, `end` excluded; null where an item has none. */
async function readPage(
  { pool, storage }: ErrandTools,
  { run, ordinal }: Errand,
  first: number,
  end: number,
): Promise<(Uint8Array | null)[]> {
  const page = new Array<Uint8Array | null>(end - first).fill(null);
  const items = await readItemOutputs(pool, { runId: run.runId, ordinal }, first, end);
  await Promise.all(
    items.map(async ({ itemIndex, data, uri }) => {
      page[itemIndex - first] = data ?? (uri === null ? null : await storage.get(uri));
    }),
  );
  return page;
}

const tooLarge = (bytes: number): Failure => ({
  code: "OutputsTooLarge",
  message: `The outputs of the items are ${bytes} bytes together; at most ${BYTES_MAX} can be gathered.`,
  kind: "user",
  recoverable: false,
});

const failed = ({ ordinal }: Errand, failure: Failure): ErrandOutcome => ({
  type: "told",
  event: { type: "gatheringFailed", ordinal, atMs: Date.now(), failure },
});
