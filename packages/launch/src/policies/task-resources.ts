import { clone, create } from "@bufbuild/protobuf";
import type { AskedResources } from "@skein/contracts";
import { askedResources, parseQuantity } from "@skein/engine";
import { SkeinError } from "@skein/errors";
import type { TaskResourceSpec } from "@skein/idl/admin";
import {
  Resources_ResourceName as ResourceName,
  type Resources,
  type Resources_ResourceEntry,
  Resources_ResourceEntrySchema,
  ResourcesSchema,
  type TaskTemplate,
  TaskTemplateSchema,
} from "@skein/idl/core";
import type { Policies, PolicyScope } from "./policies.ts";

/** Kubernetes quantities by what they are of. */
export type ResourceAmounts = ReadonlyMap<ResourceName, string>;

/** What a container gets that asks for nothing, and what none may ask for more of. */
export interface TaskResources {
  readonly defaults: ResourceAmounts;
  readonly limits: ResourceAmounts;
}

export const NO_TASK_RESOURCES: TaskResources = { defaults: new Map(), limits: new Map() };

const FIELDS = [
  [ResourceName.CPU, "cpu"],
  [ResourceName.MEMORY, "memory"],
  [ResourceName.GPU, "gpu"],
  [ResourceName.EPHEMERAL_STORAGE, "ephemeralStorage"],
] as const;

/** The amounts that a policy names. */
export const amountsOf = (spec: TaskResourceSpec | undefined): ResourceAmounts =>
  new Map(FIELDS.flatMap(([name, field]) => (spec?.[field] ? [[name, spec[field]] as const] : [])));

const WORDS: ReadonlyMap<string, ResourceName> = new Map([
  ["cpu", ResourceName.CPU],
  ["memory", ResourceName.MEMORY],
  ["gpu", ResourceName.GPU],
  ["ephemeral-storage", ResourceName.EPHEMERAL_STORAGE],
]);

/** The amounts by Kubernetes' names. */
export const namedAmounts = (amounts: ResourceAmounts): Record<string, string> =>
  Object.fromEntries(
    [...WORDS].flatMap(([word, name]) => (amounts.has(name) ? [[word, amounts.get(name) ?? ""]] : [])),
  );

/** Reads `cpu=500m,memory=200Mi`; invalid_argument for anything else. */
export function readAmounts(text: string): ResourceAmounts {
  const parts = text.split(",").filter((part) => part.trim() !== "");
  return new Map(
    parts.map((part) => {
      const [word = "", amount = ""] = part.split("=").map((side) => side.trim());
      const name = WORDS.get(word);
      if (name !== undefined && (parseQuantity(amount) ?? -1n) >= 0n) return [name, amount] as const;
      const known = `${[...WORDS.keys()].join(", ")}, each with = and a Kubernetes quantity`;
      throw new SkeinError("invalid_argument", "amounts_invalid", `${part.trim()} is no amount: use ${known}`);
    }),
  );
}

/**
 * What holds for tasks of a scope. A policy of the project takes the place of the server's own word as a whole, as in
 * Flyte: what it leaves out is neither given nor limited.
 */
export function taskResourcesOf(policies: Policies, scope: PolicyScope, server: TaskResources): TaskResources {
  const policy = policies.narrowest("taskResourceAttributes", scope);
  return policy ? { defaults: amountsOf(policy.defaults), limits: amountsOf(policy.limits) } : server;
}

const isEmpty = ({ defaults, limits }: TaskResources): boolean => defaults.size === 0 && limits.size === 0;

/**
 * The task as it may run: its container asks for the defaults of what it does not name, and for no more than the limits.
 * What it names only once, as a request or as a limit, is both.
 */
export function withTaskResources(template: TaskTemplate, resources: TaskResources): TaskTemplate {
  if (isEmpty(resources) || template.target.case !== "container") return template;
  const changed = clone(TaskTemplateSchema, template);
  if (changed.target.case === "container") {
    changed.target.value.resources = boundedResources(changed.target.value.resources, resources);
  }
  return changed;
}

function boundedResources(own: Resources | undefined, { defaults, limits }: TaskResources): Resources {
  const bounded = create(ResourcesSchema, {
    requests: (own?.requests ?? []).filter(({ name }) => !isBounded(name)),
    limits: (own?.limits ?? []).filter(({ name }) => !isBounded(name)),
  });
  for (const [name] of FIELDS) {
    const ownRequest = amountIn(own?.requests, name);
    const ownLimit = amountIn(own?.limits, name);
    const request = ownRequest ?? ownLimit ?? defaults.get(name);
    if (request === undefined) continue;
    const limit = atMost(ownLimit ?? request, limits.get(name));
    bounded.limits.push(create(Resources_ResourceEntrySchema, { name, value: limit }));
    bounded.requests.push(create(Resources_ResourceEntrySchema, { name, value: atMost(request, limit) }));
  }
  return bounded;
}

const isBounded = (name: ResourceName): boolean => FIELDS.some(([bounded]) => bounded === name);

/** Nothing and zero ask for nothing. */
function amountIn(entries: readonly Resources_ResourceEntry[] | undefined, name: ResourceName): string | undefined {
  const value = entries?.find((entry) => entry.name === name)?.value;
  return value === undefined || (parseQuantity(value) ?? 1n) === 0n ? undefined : value;
}

/** The smaller of two quantities. What is none cannot be compared, and does not pass a limit. */
function atMost(amount: string, limit: string | undefined): string {
  const most = limit === undefined ? undefined : parseQuantity(limit);
  if (limit === undefined || most === undefined || most <= 0n) return amount;
  const asked = parseQuantity(amount);
  return asked === undefined || asked > most ? limit : amount;
}

/** What the task of a graph weighs once the defaults and limits of its scope count. */
export function askedWithin(
  asked: AskedResources | null,
  template: TaskTemplate,
  resources: TaskResources,
): AskedResources | null {
  if (isEmpty(resources) || template.target.case !== "container") return asked;
  const { defaults, limits } = weights(resources);
  const bounded = (name: keyof AskedResources): number => {
    const amount = asked?.[name] || (defaults?.[name] ?? 0);
    return limits?.[name] ? Math.min(amount, limits[name]) : amount;
  };
  const within = { cpuMillis: bounded("cpuMillis"), memoryMiB: bounded("memoryMiB"), gpus: bounded("gpus") };
  return within.cpuMillis + within.memoryMiB + within.gpus > 0 ? within : null;
}

const weighed = new WeakMap<TaskResources, ReturnType<typeof weigh>>();

function weights(resources: TaskResources): ReturnType<typeof weigh> {
  const known = weighed.get(resources) ?? weigh(resources);
  weighed.set(resources, known);
  return known;
}

const weigh = ({ defaults, limits }: TaskResources) => ({ defaults: asksFor(defaults), limits: asksFor(limits) });

/** What a container that asks for these amounts weighs. */
function asksFor(amounts: ResourceAmounts): AskedResources | undefined {
  const requests = Array.from(amounts, ([name, value]) => ({ name, value }));
  const template = create(TaskTemplateSchema, { target: { case: "container", value: { resources: { requests } } } });
  return askedResources(template, undefined);
}
