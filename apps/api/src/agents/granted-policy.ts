import type { GrantedPolicy } from "@skein/contracts";
import type { ClaimedAttempt } from "@skein/db";
import { namedAmounts, type PolicyBook, type TaskResources, taskResourcesOf } from "@skein/launch";

/** What administrators set for the project of an attempt. */
export interface AttemptPolicy {
  readonly bounds: TaskResources;
  /** Undefined where nothing is set that an agent must know. */
  readonly policy: GrantedPolicy | undefined;
}

/** Finds what holds for an attempt's task; `server` holds where nothing is set for the project. */
export const findAttemptPolicy =
  (book: PolicyBook, server: TaskResources) =>
  async ({ project, domain, workflowKey }: ClaimedAttempt): Promise<AttemptPolicy> => {
    const policies = await book.of(project);
    const scope = { domain, workflow: workflowKey.split(":").slice(2).join(":"), launchPlan: "" };
    const bounds = taskResourcesOf(policies, scope, server);
    // A namespace is a domain's, whatever runs in it.
    const own = policies.narrowest("clusterResourceAttributes", { ...scope, workflow: "" });
    const policy = {
      resourceDefaults: namedAmounts(bounds.defaults),
      resourceLimits: namedAmounts(bounds.limits),
      namespaceValues: { ...own?.attributes },
    };
    return {
      bounds,
      policy: Object.values(policy).some((values) => Object.keys(values).length > 0) ? policy : undefined,
    };
  };
