import { isJson, type Json, union } from "./json.ts";

/** Lists whose items have a name; the name is the value of this field. */
const NAMED_LISTS: Readonly<Record<string, string>> = {
  containers: "name",
  initContainers: "name",
  env: "name",
  volumes: "name",
  volumeMounts: "mountPath",
  volumeDevices: "devicePath",
  ports: "containerPort",
  imagePullSecrets: "name",
  resourceClaims: "name",
  sysctls: "name",
};
/** Of these lists, items that are merged themselves. Elsewhere the higher one replaces the lower: a volume has one source. */
const MERGED_ITEMS: ReadonlySet<string> = new Set(["containers", "initContainers"]);
/** Fields that make sense only as a whole. */
const WHOLE: ReadonlySet<string> = new Set([
  ...["command", "args", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "values"],
]);

/**
 * Puts one manifest on top of another: the higher one's values win, objects are merged, lists of named items are merged by
 * name, other lists are joined. As Flyte does it, but that a value which is said counts even when it is false or zero.
 */
export function mergeManifests(base: Json, over: Json): Json {
  const merged: Json = { ...base };
  for (const [name, value] of Object.entries(over)) {
    if (value === null || value === undefined) continue;
    merged[name] = mergeValues(name, merged[name], value);
  }
  return merged;
}

function mergeValues(name: string, base: unknown, over: unknown): unknown {
  if (WHOLE.has(name)) return over;
  if (isJson(base) && isJson(over)) return mergeManifests(base, over);
  if (!Array.isArray(base) || !Array.isArray(over)) return over;
  const key = NAMED_LISTS[name];
  return key === undefined ? union(base, over) : mergeNamed(base, over, key, MERGED_ITEMS.has(name));
}

function mergeNamed(base: readonly unknown[], over: readonly unknown[], key: string, isMerged: boolean): unknown[] {
  const list = [...base];
  for (const item of over) {
    const index = list.findIndex((known) => isJson(known) && isJson(item) && known[key] === item[key]);
    const known = list[index];
    if (index === -1) list.push(item);
    else list[index] = isMerged && isJson(known) && isJson(item) ? mergeManifests(known, item) : item;
  }
  return list;
}
