import { clone, type JsonObject } from "@bufbuild/protobuf";
import { grownMemory, type MemoryGrowth, parseQuantity } from "@skein/engine";
import {
  Resources_ResourceName as ResourceName,
  type Resources_ResourceEntry,
  type TaskTemplate,
  TaskTemplateSchema,
} from "@skein/idl/core";

const BILLIONTHS_OF_MIB = 1_000_000_000n << 20n;
const PRIMARY = "primary";

/** The task as it runs once its memory has grown so many times: its container may use more, and asks for more. */
export function grownTemplate(template: TaskTemplate, growth: MemoryGrowth, times: number): TaskTemplate {
  const grown = clone(TaskTemplateSchema, template);
  const { target, config } = grown;
  if (target.case === "container" && target.value.resources) {
    const { requests, limits } = target.value.resources;
    for (const entry of [...requests, ...limits]) growEntry(entry, growth, times);
  } else if (target.case === "k8sPod" && target.value.podSpec) {
    growPod(target.value.podSpec, config.primary_container_name || PRIMARY, growth, times);
  }
  return grown;
}

function growEntry(entry: Resources_ResourceEntry, growth: MemoryGrowth, times: number): void {
  if (entry.name === ResourceName.MEMORY) entry.value = grownQuantity(entry.value, growth, times);
}

function growPod(podSpec: JsonObject, primary: string, growth: MemoryGrowth, times: number): void {
  const containers = Array.isArray(podSpec.containers) ? podSpec.containers.filter(isObject) : [];
  for (const { name, resources } of containers) {
    if (name !== primary || !isObject(resources)) continue;
    for (const amounts of [resources.requests, resources.limits]) {
      if (!isObject(amounts) || typeof amounts.memory !== "string") continue;
      amounts.memory = grownQuantity(amounts.memory, growth, times);
    }
  }
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What is no quantity stays as it is, for the runtime to refuse. */
function grownQuantity(text: string, growth: MemoryGrowth, times: number): string {
  const billionths = parseQuantity(text);
  if (billionths === undefined || billionths <= 0n) return text;
  const mib = Number((billionths + BILLIONTHS_OF_MIB - 1n) / BILLIONTHS_OF_MIB);
  return `${grownMemory(mib, growth, times)}Mi`;
}
