export { readSchedulerConfig, type SchedulerConfig } from "./config.ts";
export { type Scheduler, type SchedulerDependencies, startScheduler } from "./start.ts";
