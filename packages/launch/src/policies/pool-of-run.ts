import type { ExecutionSpec } from "@skein/idl/admin";
import type { Policies, PolicyScope } from "./policies.ts";

/** Whose agents do a run's work (empty: the default pool's), or why the run may not be started there. */
export type PoolOfRun = { readonly pool: string } | { readonly problem: string };

const POOL_NAME = /^[a-z0-9-]{1,63}$/;

/** Whether a pool can have this name. */
export const isPoolName = (name: string): boolean => POOL_NAME.test(name);

/**
 * A pool is named by what Flyte calls a cluster assignment's pool, an execution cluster label or a queue's tag, and the
 * first of these that says anything counts. Who is bound to a pool by assignment may not ask for another one (Flyte
 * refuses that, too); a label of the request wins over a policy's.
 */
export function poolOfRun(spec: ExecutionSpec, policies: Policies, scope: PolicyScope): PoolOfRun {
  const asked = spec.clusterAssignment?.clusterPoolName ?? "";
  const assigned = policies.narrowest("clusterAssignment", scope)?.clusterPoolName ?? "";
  if (asked !== "" && assigned !== "" && asked !== assigned) {
    const field = "spec.cluster_assignment.cluster_pool_name";
    return { problem: `${field} is ${asked}, but runs of this project are bound to pool ${assigned}` };
  }
  const label = spec.executionClusterLabel?.value || policies.narrowest("executionClusterLabel", scope)?.value;
  const pool = assigned || asked || label || queueOf(policies, scope);
  if (pool === "" || isPoolName(pool)) return { pool };
  const field = pool === asked ? "spec.cluster_assignment.cluster_pool_name" : "spec.execution_cluster_label.value";
  return { problem: `${field} is ${JSON.stringify(pool)}: name a pool, 1 to 63 of a-z, 0-9 and -` };
}

const queueOf = (policies: Policies, scope: PolicyScope): string =>
  policies.narrowest("executionQueueAttributes", scope)?.tags[0] ?? "";
