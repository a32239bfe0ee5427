export { createSkeinClient, type SkeinClient, type SkeinClientOptions } from "./client.ts";
export { errorCodeOf } from "./error-code.ts";
export type { SkeinInputs, SkeinOutputs } from "./types.ts";
export { type RunUpdate, type WatchOptions, watchRun } from "./watch-run.ts";
