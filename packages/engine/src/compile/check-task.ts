import {
  type Container,
  type LiteralType,
  Resources_ResourceName as ResourceName,
  type Resources_ResourceEntry,
  type TaskTemplate,
  type VariableMap,
} from "@skein/idl/core";
import { MEMORY_GROWTH_NAME, MEMORY_GROWTH_SYNTAX, parseMemoryGrowth } from "../memory-growth.ts";
import { saidGrowth } from "../targets/task-memory.ts";
import { isWhole, parseQuantity } from "./quantity.ts";

/** The most that one task may ask for, as Kubernetes quantities; a missing name is without limit. */
export type ResourceLimits = ReadonlyMap<ResourceName, string>;

const CHECKED_NAMES: ReadonlyMap<ResourceName, string> = new Map([
  [ResourceName.CPU, "cpu"],
  [ResourceName.GPU, "gpu"],
  [ResourceName.MEMORY, "memory"],
  [ResourceName.STORAGE, "storage"],
  [ResourceName.EPHEMERAL_STORAGE, "ephemeral storage"],
]);

/** What is wrong with a task's template by itself (contract 5.1); each line names the field. Empty when it is right. */
export function checkTask(template: TaskTemplate, platformLimits: ResourceLimits = new Map()): string[] {
  const { type, interface: typed, target } = template;
  const problems: string[] = [];
  if (type === "") problems.push("template.type is missing");
  if (!typed) problems.push("template.interface is missing");
  problems.push(...typeProblems("inputs", typed?.inputs), ...typeProblems("outputs", typed?.outputs));
  if (target.case === "container") problems.push(...containerProblems(target.value, platformLimits));
  if (target.case === "k8sPod" && !target.value.podSpec) problems.push("template.k8s_pod.pod_spec is missing");
  const growth = saidGrowth(template);
  if (growth !== undefined && !parseMemoryGrowth(growth))
    problems.push(`template: ${MEMORY_GROWTH_NAME} is "${growth}", but must be ${MEMORY_GROWTH_SYNTAX}`);
  return problems;
}

const typeProblems = (side: "inputs" | "outputs", variables: VariableMap | undefined): string[] =>
  Object.entries(variables?.variables ?? {}).flatMap(([name, { type }]) =>
    isValidType(type) ? [] : [`template.interface.${side}.${name} has no type that this server knows`],
  );

function isValidType(type: LiteralType | undefined): boolean {
  const inner = type?.type;
  if (inner?.case === "collectionType" || inner?.case === "mapValueType") return isValidType(inner.value);
  if (inner?.case === "unionType") return inner.value.variants.every(isValidType);
  return inner?.case !== undefined;
}

function containerProblems({ image, resources }: Container, platformLimits: ResourceLimits): string[] {
  const problems = image === "" ? ["template.container.image is missing"] : [];
  const requests = readQuantities("requests", resources?.requests ?? [], problems);
  const limits = readQuantities("limits", resources?.limits ?? [], problems);
  for (const [name, word] of CHECKED_NAMES) {
    const [request, limit, most] = [requests.get(name), limits.get(name), platformLimits.get(name)];
    if (name === ResourceName.GPU && [request, limit].some((asked) => asked && !isWhole(asked.value)))
      problems.push(`template.container.resources: ${word} must be a whole number`);
    if (request && limit && request.value > limit.value)
      problems.push(
        `template.container.resources: the ${word} request ${request.text} is above its limit ${limit.text}`,
      );
    if (request && limit && name === ResourceName.GPU && request.value < limit.value)
      problems.push(
        `template.container.resources: the ${word} request ${request.text} must equal its limit ${limit.text}`,
      );
    const asked = limit && (!request || limit.value > request.value) ? limit : request;
    const ceiling = most === undefined ? undefined : parseQuantity(most);
    if (asked && ceiling !== undefined && asked.value > ceiling)
      problems.push(`template.container.resources: ${word} ${asked.text} is above this server's maximum of ${most}`);
  }
  return problems;
}

interface Quantity {
  readonly text: string;
  readonly value: bigint;
}

function readQuantities(side: string, entries: readonly Resources_ResourceEntry[], problems: string[]) {
  const found = new Map<ResourceName, Quantity>();
  for (const { name, value: text } of entries) {
    const word = CHECKED_NAMES.get(name);
    if (word === undefined) continue;
    const value = parseQuantity(text);
    const field = `template.container.resources.${side}`;
    if (value === undefined || value < 0n)
      problems.push(`${field}: ${word} "${text}" is not a Kubernetes quantity, such as 500m, 2 or 1.5Gi`);
    else if (found.has(name)) problems.push(`${field}: ${word} is given more than once`);
    else found.set(name, { text, value });
  }
  return found;
}
