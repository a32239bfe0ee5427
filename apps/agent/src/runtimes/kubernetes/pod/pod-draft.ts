import type { Json } from "./json.ts";
import { jsonOf, listOf } from "./json.ts";
import { mergeManifests } from "./merge-manifests.ts";

/** A pod in the making. */
export interface PodDraft {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** A `V1PodSpec`, in the API's own spelling. */
  readonly spec: Json;
  /** The container whose end is the task's. */
  readonly primary: string;
}

/** The containers of a template that stand for others: the base of every container, of the primary one, of every init container. */
const DEFAULT = "default";
const PRIMARY = "primary";
const DEFAULT_INIT = "default-init";
const STAND_INS: ReadonlySet<unknown> = new Set([DEFAULT, PRIMARY, DEFAULT_INIT, "primary-init"]);

/**
 * Lays a pod on top of a pod template. Of the template's containers only those count that the pod has too, or that stand
 * for others: Kubernetes wants a container in every PodTemplate, and it is often one of no use.
 */
export function ontoTemplate(template: Json, draft: PodDraft): PodDraft {
  const metadata = jsonOf(template.metadata);
  const { containers, initContainers, ...rest } = jsonOf(template.spec);
  const own = draft.spec;
  const merged = mergeManifests(rest, { ...own, containers: undefined, initContainers: undefined });
  const bases = listOf(containers);
  const initBases = listOf(initContainers);
  return {
    ...draft,
    labels: { ...textsOf(metadata.labels), ...draft.labels },
    annotations: { ...textsOf(metadata.annotations), ...draft.annotations },
    spec: {
      ...merged,
      containers: listOf(own.containers).map((container) =>
        onto(container, bases, container.name === draft.primary ? [DEFAULT, PRIMARY] : [DEFAULT]),
      ),
      initContainers: listOf(own.initContainers).map((container) => onto(container, initBases, [DEFAULT_INIT])),
    },
  };
}

function onto(container: Json, bases: readonly Json[], standIns: readonly string[]): Json {
  const names = STAND_INS.has(container.name) ? standIns : [...standIns, container.name];
  const layers = names.flatMap((name) => bases.filter((base) => base.name === name));
  return [...layers, container].reduce(mergeManifests, {});
}

/** Changes each container, init containers included, that `change` is for. */
export function mapContainers(spec: Json, change: (container: Json, isInit: boolean) => Json): Json {
  const changed = { ...spec, containers: listOf(spec.containers).map((container) => change(container, false)) };
  return spec.initContainers === undefined
    ? changed
    : { ...changed, initContainers: listOf(spec.initContainers).map((container) => change(container, true)) };
}

/** All containers, init containers included, with their place. */
export const containersOf = (spec: Json): Json[] => [...listOf(spec.initContainers), ...listOf(spec.containers)];

/** The entries whose values are texts. */
export function textsOf(value: unknown): Record<string, string> {
  const entries = Object.entries(jsonOf(value));
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

/** A container with more variables, which win over its own of the same name. */
export function withVariables(container: Json, variables: readonly Json[]): Json {
  const env = new Map(listOf(container.env).map((variable) => [variable.name, variable]));
  for (const variable of variables) env.set(variable.name, variable);
  return env.size === 0 ? container : { ...container, env: [...env.values()] };
}
