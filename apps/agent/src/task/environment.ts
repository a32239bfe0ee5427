import type { ClaimGrant } from "@skein/contracts";
import type { Identifier, KeyValuePair } from "@skein/idl/core";
import { platformEnvironment } from "./platform.ts";
import { type StoreAccess, scopedTo, storeEnvironment } from "./store-environment.ts";

export interface EnvironmentSource {
  readonly grant: ClaimGrant;
  readonly attempt: number;
  readonly taskId: Identifier | undefined;
  /** The container's own environment, as registered. */
  readonly container: readonly KeyValuePair[];
  /** Undefined for file storage. */
  readonly store: StoreAccess | undefined;
  /** Where the task reaches the api, should it be a client of it. */
  readonly apiUrl: string;
  /** What the place where the task runs needs: PATH, HOME, … Containers bring most of it themselves. */
  readonly base: Readonly<Record<string, string>>;
}

/** flytekit moves outputs from 10 MiB on out of outputs.pb, into files of their own; one above 1000 MiB it refuses. */
const OFFLOADING = { _F_L_MIN_SIZE_MB: "10", _F_L_MAX_SIZE_MB: "1000" };

/** The whole environment of a task: an allow-list, then the container's own, then the run's. Nothing is inherited. */
export function taskEnvironment(source: EnvironmentSource): Record<string, string> {
  const { grant, taskId } = source;
  return {
    ...source.base,
    ...storeEnvironment(scopedTo(source.store, grant.storeCredentials)),
    PYTHONUNBUFFERED: "1",
    FLYTE_INTERNAL_EXECUTION_ID: grant.runName,
    FLYTE_INTERNAL_EXECUTION_PROJECT: grant.project,
    FLYTE_INTERNAL_EXECUTION_DOMAIN: grant.domain,
    FLYTE_INTERNAL_EXECUTION_WORKFLOW: grant.workflowKey,
    FLYTE_ATTEMPT_NUMBER: String(source.attempt),
    FLYTE_INTERNAL_TASK_PROJECT: taskId?.project ?? "",
    FLYTE_INTERNAL_TASK_DOMAIN: taskId?.domain ?? "",
    FLYTE_INTERNAL_TASK_NAME: taskId?.name ?? "",
    FLYTE_INTERNAL_TASK_VERSION: taskId?.version ?? "",
    ...OFFLOADING,
    ...itemEnvironment(grant.arrayIndex),
    ...platformEnvironment(source.apiUrl, grant.platform),
    ...Object.fromEntries(source.container.map(({ key, value }) => [key, value])),
    ...grant.environment,
  };
}

/** How an item of a map knows which one it is: a variable that names the variable. */
const itemEnvironment = (index: number | null): Record<string, string> =>
  index === null
    ? {}
    : { BATCH_JOB_ARRAY_INDEX_VAR_NAME: "FLYTE_K8S_ARRAY_INDEX", FLYTE_K8S_ARRAY_INDEX: String(index) };
