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
  const names = new Set([...Object.keys(requests), ...Object.keys(limits)]);
  const defaults = isPrimary ? rules.defaultResources : { requests: {}, limits: {} };
  if (isPrimary)
    for (const name of [...Object.keys(defaults.requests), ...Object.keys(defaults.limits)]) names.add(name);
  for (const name of names) {
    // Kubernetes takes extended resources only with both, and alike.
    const isWhole = isPrimary || name.includes("/");
    const limit =
      limits[name] ?? (isWhole ? (requests[name] ?? defaults.limits[name] ?? defaults.requests[name]) : undefined);
    const request =
      requests[name] ?? (isWhole ? (limits[name] ?? defaults.requests[name] ?? defaults.limits[name]) : undefined);
    if (limit !== undefined) limits[name] = limit;
    if (request !== undefined)
      requests[name] = limit !== undefined && amount(request) > amount(limit) ? limit : request;
    checkMost(name, limit ?? request, rules, place);
  }
  return { ...given, requests, limits };
}

function amountsOf(value: unknown, place: string, rules: PodRules): Amounts {
  const entries = Object.entries(jsonOf(value)).map(([name, quantity]) => [
    name === GPU ? rules.gpu.resourceName : name,
    checked(name, String(quantity).trim(), place),
  ]);
  return Object.fromEntries(entries);
}

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
