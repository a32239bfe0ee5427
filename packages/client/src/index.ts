export { createSkeinClient, type SkeinClient, type SkeinClientOptions } from "./client.ts";
export { errorCodeOf } from "./error-code.ts";
export { type RunUpdate, watchRun } from "./watch-run.ts";
