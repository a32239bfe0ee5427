import type { SkeinClient } from "./client.ts";
import type { SkeinOutputs } from "./types.ts";

type Outputs = SkeinOutputs["runs"]["watch"];

/** The run as it is, and the actions that changed since the update before. */
export type RunUpdate =
  Outputs extends AsyncIterable<{ readonly data: infer Data }>
    ? Data
    : Outputs extends AsyncIterable<infer Event>
      ? Event
      : never;

export interface WatchOptions {
  /** Ends the watching, not the run: the iterator then throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Follows a run as an async iterator that ends when the run is over. Leaving the loop ends the subscription. Throws
 * what the server answered; a lost connection is made again without a word.
 */
export async function* watchRun(
  client: SkeinClient,
  id: { readonly project: string; readonly domain: string; readonly name: string },
  { signal }: WatchOptions = {},
): AsyncGenerator<RunUpdate, void, undefined> {
  const updates: RunUpdate[] = [];
  const state: { isOver: boolean; failure?: unknown } = { isOver: false };
  let wake: () => void = () => {};
  const onAbort = (): void => wake();
  signal?.throwIfAborted();
  signal?.addEventListener("abort", onAbort);
  const subscription = client.runs.watch.subscribe(id, {
    onData: ({ data }) => {
      updates.push(data);
      wake();
    },
    onComplete: () => {
      state.isOver = true;
      wake();
    },
    onError: (failure) => {
      state.isOver = true;
      state.failure = failure;
      wake();
    },
  });
  try {
    for (;;) {
      for (let update = updates.shift(); update; update = updates.shift()) yield update;
      signal?.throwIfAborted();
      if (state.failure !== undefined) throw state.failure;
      if (state.isOver) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (updates.length > 0 || state.isOver || signal?.aborted) resolve();
      });
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    subscription.unsubscribe();
  }
}
