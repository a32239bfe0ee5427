import { errorCodeOf, type SkeinClient } from "@skein/client";
import { SkeinError } from "@skein/errors";
import type { Interface } from "../input/read-inputs.ts";
import type { Session } from "../session/session.ts";

/** What `skein run` launches, with its version and what it takes. */
export interface LaunchTarget {
  readonly kind: "launchPlan" | "task";
  readonly name: string;
  readonly version: string;
  readonly inputs: Interface;
  /** What is worth saying of the choice. */
  readonly note?: string;
}

export interface TargetOptions {
  readonly task?: boolean;
  readonly launchPlan?: boolean;
  readonly version?: string;
}

type Named = { readonly project: string; readonly domain: string; readonly name: string };

/**
 * Finds what a name means: a launch plan before a task of the same name. Without a version it is the launch plan's
 * active one, or the newest where none is active, and a task's newest.
 */
export async function findTarget(
  { client, tenant }: Pick<Session, "client" | "tenant">,
  name: string,
  { task, launchPlan, version }: TargetOptions,
): Promise<LaunchTarget> {
  const named = { ...tenant, name };
  const plan = task ? undefined : await findPlan(client, named, version);
  const found = plan ?? (launchPlan ? undefined : await findTask(client, named, version));
  if (found) return found;
  const kind = task ? "task" : launchPlan ? "launch plan" : "launch plan or task";
  const where = `${tenant.project}/${tenant.domain}`;
  const what = version === undefined ? name : `${name} in version ${version}`;
  const message = `There is no ${kind} ${what} in ${where}. See what there is: skein get launch-plan, skein get task`;
  throw new SkeinError("not_found", "target_not_found", message);
}

async function findPlan(client: SkeinClient, named: Named, version?: string): Promise<LaunchTarget | undefined> {
  if (version !== undefined) return planOf(await found(client.launchPlans.get.query({ ...named, version })));
  const active = planOf(await found(client.launchPlans.getActive.query(named)));
  if (active) return active;
  const [newest] = (await client.launchPlans.list.query({ ...named, limit: 1 })).items;
  if (!newest) return undefined;
  const plan = planOf(await found(client.launchPlans.get.query({ ...named, version: newest.version })));
  return plan && { ...plan, note: `No version of launch plan ${named.name} is active: taking its newest.` };
}

const planOf = (plan: Omit<LaunchTarget, "kind"> | undefined): LaunchTarget | undefined =>
  plan && { kind: "launchPlan", name: plan.name, version: plan.version, inputs: plan.inputs };

async function findTask(client: SkeinClient, named: Named, version?: string): Promise<LaunchTarget | undefined> {
  const wanted = version ?? (await client.tasks.list.query({ ...named, limit: 1 })).items[0]?.version;
  if (wanted === undefined) return undefined;
  const task = await found(client.tasks.get.query({ ...named, version: wanted }));
  return task && { kind: "task", name: task.name, version: task.version, inputs: task.inputs };
}

/** The answer, or undefined where the server says that there is nothing. */
export async function found<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (errorCodeOf(error) === "not_found") return undefined;
    throw error;
  }
}
