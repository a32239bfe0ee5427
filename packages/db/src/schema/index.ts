export * from "./action.ts";
export * from "./attempt.ts";
export * from "./cache.ts";
export * from "./loop.ts";
export * from "./project.ts";
export * from "./registry.ts";
export * from "./run.ts";
export * from "./secret.ts";
