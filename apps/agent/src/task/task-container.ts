import { create } from "@bufbuild/protobuf";
import { SkeinError } from "@skein/errors";
import {
  type K8sPod,
  type KeyValuePair,
  KeyValuePairSchema,
  type Resources,
  type Resources_ResourceEntry,
  Resources_ResourceEntrySchema,
  Resources_ResourceName,
  ResourcesSchema,
  type TaskTemplate,
} from "@skein/idl/core";
import { z } from "zod";

/** The container that a task's own code runs in. */
export interface TaskContainer {
  readonly image: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly KeyValuePair[];
  readonly resources?: Resources | undefined;
}

const Amounts = z.record(z.string(), z.union([z.string(), z.number()])).nullish();
const PodContainer = z.object({
  name: z.string().default(""),
  image: z.string().nullish(),
  command: z.array(z.string()).nullish(),
  args: z.array(z.string()).nullish(),
  // One that is taken from a field or a Secret has no value here.
  env: z.array(z.object({ name: z.string(), value: z.string().nullish() })).nullish(),
  resources: z.object({ limits: Amounts, requests: Amounts }).nullish(),
});
type PodContainer = z.infer<typeof PodContainer>;
const PodSpec = z.object({ containers: z.array(PodContainer).min(1), initContainers: z.array(PodContainer).nullish() });

const PRIMARY_CONTAINER = "primary_container_name";

/**
 * The container of a task; of a pod its primary one. Where pods cannot be had, a pod of a single container is taken as that
 * container, and any other is refused as unimplemented.
 */
export function containerOf(template: TaskTemplate, takesPods: boolean): TaskContainer {
  const { target, type } = template;
  if (target.case === "container") return target.value;
  if (target.case !== "k8sPod") {
    throw refused(`A task of type ${JSON.stringify(type)} without a container cannot run on this agent`);
  }
  const { containers, initContainers } = readPodSpec(target.value);
  const count = containers.length + (initContainers?.length ?? 0);
  if (!takesPods && count > 1) {
    throw refused(`The task is a pod of ${count} containers: it needs a pool with the kubernetes runtime`);
  }
  return toTaskContainer(primaryOf(template, containers));
}

/** The words of all containers of a task, as registered. */
export function commandWords({ target }: TaskTemplate): string[] {
  if (target.case === "container") return [...target.value.command, ...target.value.args];
  if (target.case !== "k8sPod") return [];
  const { containers, initContainers } = readPodSpec(target.value);
  return [...containers, ...(initContainers ?? [])].flatMap(({ command, args }) => [
    ...(command ?? []),
    ...(args ?? []),
  ]);
}

function readPodSpec({ podSpec }: K8sPod): z.infer<typeof PodSpec> {
  const parsed = PodSpec.safeParse(podSpec);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${["pod_spec", ...path].join(".")}: ${message}`);
  throw new SkeinError("invalid_argument", "pod_spec_invalid", `The task's pod is none: ${problems.join("; ")}`);
}

function primaryOf({ target, config }: TaskTemplate, containers: readonly PodContainer[]): PodContainer {
  const [first, ...others] = containers;
  const inPod = target.case === "k8sPod" ? target.value.primaryContainerName : "";
  const name = inPod || config[PRIMARY_CONTAINER] || (others.length === 0 ? first?.name : undefined);
  const primary = containers.find((container) => container.name === name);
  if (primary) return primary;
  const names = containers.map((container) => container.name).join(", ");
  const message =
    name === undefined
      ? `The task's pod has the containers ${names}, and its ${PRIMARY_CONTAINER} does not say which one the task is`
      : `The task's pod has the containers ${names}, and its ${PRIMARY_CONTAINER} ${JSON.stringify(name)} is none of them`;
  throw new SkeinError("invalid_argument", "primary_container_unknown", message);
}

const toTaskContainer = ({ image, command, args, env, resources }: PodContainer): TaskContainer => ({
  image: image ?? "",
  command: command ?? [],
  args: args ?? [],
  env: (env ?? []).flatMap(({ name, value }) =>
    value == null ? [] : [create(KeyValuePairSchema, { key: name, value })],
  ),
  resources: create(ResourcesSchema, {
    limits: toEntries(resources?.limits),
    requests: toEntries(resources?.requests),
  }),
});

function toEntries(amounts: z.infer<typeof Amounts>): Resources_ResourceEntry[] {
  return Object.entries(amounts ?? {}).flatMap(([word, value]) => {
    const name = resourceName(word);
    return name === undefined ? [] : [create(Resources_ResourceEntrySchema, { name, value: String(value) })];
  });
}

function resourceName(word: string): Resources_ResourceName | undefined {
  switch (word) {
    case "cpu":
      return Resources_ResourceName.CPU;
    case "memory":
      return Resources_ResourceName.MEMORY;
    case "ephemeral-storage":
      return Resources_ResourceName.EPHEMERAL_STORAGE;
    default:
      return /\/gpu$/.test(word) ? Resources_ResourceName.GPU : undefined;
  }
}

const refused = (message: string): SkeinError => new SkeinError("unimplemented", "task_not_supported", message);
