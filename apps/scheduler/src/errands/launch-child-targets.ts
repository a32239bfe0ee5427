import { type LaunchPlanRows, readCompiledWorkflows, readLaunchPlan } from "@skein/db";
import { entityKey, requiredIds } from "@skein/engine";
import { fromBytes } from "@skein/idl";
import { LaunchPlanClosureSchema, LaunchPlanSpecSchema } from "@skein/idl/admin";
import { CompiledWorkflowClosureSchema, type Identifier } from "@skein/idl/core";
import { type LaunchTarget, launchPlanTarget } from "@skein/launch";
import type { Pool } from "../database.ts";
import type { ErrandRun } from "./errand.ts";

/** Why a launch plan is not launched: words for the user. */
export interface TargetRefusal {
  readonly code: "LaunchPlanNotFound" | "LaunchPlanForeign";
  readonly message: string;
}

type Found = LaunchTarget | TargetRefusal;

const CACHED_MAX = 1_000;

/**
 * Finds the launch plans of child runs.
 *
 * A child run belongs to the project and domain of its parent, and to whoever started that, so it touches no run of
 * anybody else. Its launch plan may be somebody else's: that was allowed to who registered the workflow that names it.
 * What a task names while it runs, in a dynamic workflow, nobody has looked at: like the token of a run, it reaches no
 * further than the run's own project and domain.
 */
export function childTargets(pool: Pool): (run: ErrandRun, id: Identifier) => Promise<Found> {
  const targets = new Map<string, LaunchTarget>();
  /** Launch plans of other tenants that a registered workflow names, by the workflow's key. */
  const foreign = new Map<number, ReadonlySet<string>>();

  async function find(id: Identifier): Promise<LaunchTarget | undefined> {
    const key = entityKey(id);
    const cached = targets.get(key);
    if (cached) return cached;
    const rows = await readLaunchPlan(pool, id);
    if (!rows) return undefined;
    const target = toTarget(id, rows);
    if (targets.size >= CACHED_MAX) targets.clear();
    targets.set(key, target);
    return target;
  }

  async function namedBy(workflowId: number): Promise<ReadonlySet<string>> {
    const cached = foreign.get(workflowId);
    if (cached) return cached;
    const compiled = (await readCompiledWorkflows(pool, [workflowId])).get(workflowId);
    const { primary, subWorkflows } = fromBytes(CompiledWorkflowClosureSchema, compiled ?? new Uint8Array());
    const templates = [primary, ...subWorkflows].flatMap((workflow) => (workflow?.template ? [workflow.template] : []));
    const keys = new Set(templates.flatMap((template) => requiredIds(template).launchPlans.map(entityKey)));
    if (foreign.size >= CACHED_MAX) foreign.clear();
    foreign.set(workflowId, keys);
    return keys;
  }

  return async (run, id) => {
    const isOwn = id.project === run.project && id.domain === run.domain;
    if (!isOwn && !(await namedBy(run.workflowId)).has(entityKey(id))) {
      const message = `Launch plan ${entityKey(id)} is not of ${run.project}/${run.domain}: only a registered workflow may launch it.`;
      return { code: "LaunchPlanForeign", message };
    }
    const target = await find(id);
    return target ?? { code: "LaunchPlanNotFound", message: `Launch plan ${entityKey(id)} does not exist.` };
  };
}

function toTarget(launched: Identifier, { id, workflowId, spec, closure }: LaunchPlanRows): LaunchTarget {
  const { project, domain, name, version } = launched;
  return launchPlanTarget(launched, {
    id: { project, domain, name, version },
    rowId: Number(id),
    workflowRowId: Number(workflowId),
    spec: fromBytes(LaunchPlanSpecSchema, spec),
    closure: fromBytes(LaunchPlanClosureSchema, closure),
  });
}
