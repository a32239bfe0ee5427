export { createSkeinClient, type SkeinClient, type SkeinClientOptions } from "./client.ts";
export { type RunUpdate, watchRun } from "./watch-run.ts";
