import { SkeinError } from "@skein/errors";
import { type Resources, type Resources_ResourceEntry, Resources_ResourceName } from "@skein/idl/core";
import { readQuantity } from "../../../task/resources.ts";
import { type Json, jsonOf } from "./json.ts";
import type { PodRules } from "./pod-settings.ts";

type Amounts = Record<string, string>;

/** What flytekit's users call a GPU, whatever it is to the cluster. */
const GPU = "gpu";
const NAMES: Readonly<Record<number, string>> = {
  [Resources_ResourceName.CPU]: "cpu",
  [Resources_ResourceName.GPU]: GPU,
  [Resources_ResourceName.MEMORY]: "memory",
  [Resources_ResourceName.EPHEMERAL_STORAGE]: "ephemeral-storage",
};

/** Kubernetes' own, and those with a vendor's name before the slash. */
const RESOURCE = /^(cpu|memory|ephemeral-storage|hugepages-.+|[^/]+\/[^/]+)$/;

/** What a registered container asks for, as Kubernetes says it. Storage is for copilot's volumes: see `volumeSize`. */
export const toRequirements = (resources: Resources | undefined): Json => ({
  requests: toAmounts(resources?.requests ?? []),
  limits: toAmounts(resources?.limits ?? []),
});

const toAmounts = (entries: readonly Resources_ResourceEntry[]): Amounts =>
  Object.fromEntries(
    entries.flatMap(({ name, value }) =>
      NAMES[name] === undefined || isZero(value) ? [] : [[NAMES[name], value.trim()]],
    ),
  );

const isZero = (value: string): boolean => value.trim() === "" || readQuantity(value) === 0;

/** The size of the volumes for copilot's files; undefined where the task does not say. */
export function volumeSize(resources: Resources | undefined): string | undefined {
  const entries = [...(resources?.limits ?? []), ...(resources?.requests ?? [])];
  const entry = entries.find(({ name, value }) => name === Resources_ResourceName.STORAGE && !isZero(value));
  return entry && checked("storage", entry.value.trim(), "the task");
}

/**
 * The requirements of a container, complete and within the rules. Of the primary container each resource gets both a request
 * and a limit where it has only one, and the administrator's defaults where it has none; others stay as they ask.
 */
export function completeResources(container: Json, rules: PodRules, isPrimary: boolean): Json {
  const given = jsonOf(container.resources);
  const place = `container ${JSON.stringify(container.name)}`;
  const requests = amountsOf(given.requests, place, rules);
  const limits = amountsOf(given.limits, place, rules);
  const defaults = isPrimary ? rules.defaultResources : { requests: {}, limits: {} };
  const names = [requests, limits, defaults.requests, defaults.limits].flatMap((amounts) => Object.keys(amounts));
  for (const name of new Set(names)) {
    const asked = { request: requests[name], limit: limits[name] };
    const usual = { request: defaults.requests[name], limit: defaults.limits[name] };
    const bound = rules.namespaces.limits.limits[name];
    // Kubernetes takes extended resources only with both, and alike.
    const { request, limit } =
      isPrimary || name.includes("/") ? pairOf(asked, usual, name.includes("/")) : withinBound(asked, bound);
    if (limit !== undefined) limits[name] = limit;
    if (request !== undefined) requests[name] = request;
    checkMost(name, limit ?? request, rules, place);
  }
  return { ...given, requests, limits };
}

interface Pair {
  readonly request: string | undefined;
  readonly limit: string | undefined;
}

/** Both, the one from the other, and no request above its limit. */
function pairOf(asked: Pair, usual: Pair, isAlike: boolean): Pair {
  const limit = asked.limit ?? asked.request ?? usual.limit ?? usual.request;
  const request = asked.request ?? asked.limit ?? usual.request ?? usual.limit;
  const isAbove = request !== undefined && limit !== undefined && amount(request) > amount(limit);
  return { limit, request: isAbove || isAlike ? limit : request };
}

/** A request above the limit that the namespace gives to containers without one would have the pod refused. */
function withinBound({ request, limit }: Pair, bound: string | undefined): Pair {
  const isAbove = request !== undefined && bound !== undefined && amount(request) > amount(bound);
  return { request, limit: limit ?? (isAbove ? request : undefined) };
}

function amountsOf(value: unknown, place: string, rules: PodRules): Amounts {
  const entries = Object.entries(jsonOf(value)).map(([name, quantity]) => {
    const known = name === GPU ? rules.gpu.resourceName : name;
    if (!RESOURCE.test(known)) throw unknownResource(known, place);
    return [known, checked(name, String(quantity).trim(), place)];
  });
  return Object.fromEntries(entries);
}

const unknownResource = (name: string, place: string): SkeinError =>
  new SkeinError(
    "invalid_argument",
    "resource_unknown",
    `${place} asks for ${JSON.stringify(name)}, which is no resource of Kubernetes: those are cpu, memory, ephemeral-storage, and a vendor's like example.com/device`,
    { details: { resource: name } },
  );

/** The quantity, if Kubernetes can read it. */
function checked(name: string, value: string, place: string): string {
  const number = readQuantity(value);
  if (number !== undefined && number >= 0) return value;
  const message = `${JSON.stringify(value)} is no amount of ${name} that Kubernetes can read (${place}); amounts look like 500m, 2 or 1.5Gi`;
  throw new SkeinError("invalid_argument", "resource_quantity_invalid", message, {
    details: { resource: name, value },
  });
}

function checkMost(name: string, value: string | undefined, rules: PodRules, place: string): void {
  const most = rules.resourcesMax[name];
  if (most === undefined || value === undefined || amount(value) <= amount(most)) return;
  const message = `${place} asks for ${value} of ${name}, which is more than the ${most} that this cluster gives`;
  throw new SkeinError("invalid_argument", "resource_too_large", message, { details: { resource: name, value, most } });
}

const amount = (quantity: string): number => readQuantity(quantity) ?? 0;
