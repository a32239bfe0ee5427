import type { GrantedPolicy } from "@skein/contracts";
import { readQuantity } from "../../../task/resources.ts";
import { type Json, jsonOf } from "./json.ts";
import type { PodRules } from "./pod-settings.ts";

type Amounts = Readonly<Record<string, string>>;

/** The cluster's rules with what is set for the launch's project: its defaults count before the cluster's. */
export function rulesWithin(rules: PodRules, policy: GrantedPolicy | undefined): PodRules {
  if (!policy) return rules;
  const { requests, limits } = rules.defaultResources;
  const { gpu, ...others } = policy.resourceDefaults;
  const own = gpu === undefined ? others : { ...others, [rules.gpu.resourceName]: gpu };
  const within = (amounts: Amounts) => capped({ ...amounts, ...own }, policy.resourceLimits, rules);
  return { ...rules, defaultResources: { requests: within(requests), limits: within(limits) } };
}

/** The container asking for no more than is set for the launch's project. */
export function containerWithin(container: Json, rules: PodRules, policy: GrantedPolicy | undefined): Json {
  if (!policy || Object.keys(policy.resourceLimits).length === 0) return container;
  const { requests, limits, ...rest } = jsonOf(container.resources);
  const within = (amounts: unknown) => capped(jsonOf(amounts), policy.resourceLimits, rules);
  return { ...container, resources: { ...rest, requests: within(requests), limits: within(limits) } };
}

function capped(amounts: Json, limits: Amounts, rules: PodRules): Record<string, string> {
  const mostOf = (name: string): string | undefined => limits[name === rules.gpu.resourceName ? "gpu" : name];
  return Object.fromEntries(
    Object.entries(amounts).map(([name, value]) => [name, smaller(String(value), mostOf(name))]),
  );
}

/** What is no quantity is left to those who refuse it by name. */
function smaller(value: string, most: string | undefined): string {
  const [asked, limit] = [readQuantity(value), most === undefined ? undefined : readQuantity(most)];
  return most !== undefined && limit !== undefined && limit > 0 && asked !== undefined && asked > limit ? most : value;
}
