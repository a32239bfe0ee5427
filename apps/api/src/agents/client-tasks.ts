import type { TaskTemplate } from "@skein/idl/core";

/** Makes the token that a run's own code shows to this server. */
export type SignToken = (run: {
  readonly runId: string;
  readonly project: string;
  readonly domain: string;
}) => Promise<string>;

/** Ends the runs that an eager task has left; flytekit registers it as the eager workflow's failure node. */
const EAGER_CLEANUP_TYPE = "eager_failure_handler_task";

/** Whether a task is a client of this server: an eager workflow, which launches runs as it goes, or its clean-up. */
export const isClient = ({ metadata, type }: TaskTemplate): boolean =>
  metadata?.isEager === true || type === EAGER_CLEANUP_TYPE;
