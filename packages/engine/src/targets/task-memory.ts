import { type Resources, Resources_ResourceName, type TaskTemplate } from "@skein/idl/core";
import { parseQuantity } from "../compile/quantity.ts";
import { MEMORY_GROWTH_NAME, type MemoryGrowth, parseMemoryGrowth } from "../memory-growth.ts";

/** The memory of the container that a task's code runs in. */
export interface TaskMemory {
  /** The most that it asks for: what it is killed above. 0 where it does not say. */
  readonly limitMiB: number;
  /** How it may grow, where the task says so. */
  readonly growth: MemoryGrowth | null;
}

const BILLIONTHS_OF_MIB = 1_000_000_000n << 20n;
const PRIMARY = "primary";

/** The memory of a task; undefined where neither an amount nor a growth is said. */
export function taskMemory(template: TaskTemplate, overrides: Resources | undefined): TaskMemory | undefined {
  const limitMiB = Math.max(0, ...amountsOf(template, overrides).map(toMiB));
  const said = saidGrowth(template);
  const growth = said === undefined ? null : (parseMemoryGrowth(said) ?? null);
  return limitMiB > 0 || growth ? { limitMiB, growth } : undefined;
}

/** What a task says about its growth, in its own words: in its config, its container's, or its pod's annotations. */
export function saidGrowth({ config, target }: TaskTemplate): string | undefined {
  if (target.case === "container") {
    const entry = target.value.config.find(({ key }) => key === MEMORY_GROWTH_NAME);
    if (entry) return entry.value;
  }
  const annotated = target.case === "k8sPod" ? target.value.metadata?.annotations[MEMORY_GROWTH_NAME] : undefined;
  return annotated ?? config[MEMORY_GROWTH_NAME];
}

function amountsOf({ config, target }: TaskTemplate, overrides: Resources | undefined): string[] {
  const { requests = [], limits = [] } =
    overrides ?? (target.case === "container" ? (target.value.resources ?? {}) : {});
  const named = [...requests, ...limits].filter(({ name }) => name === Resources_ResourceName.MEMORY);
  if (target.case !== "k8sPod") return named.map(({ value }) => value);
  const primary = config.primary_container_name || PRIMARY;
  const containers = listIn(target.value.podSpec, "containers").filter((one) => fieldOf(one, "name") === primary);
  const ofPod = containers.flatMap((one) =>
    ["requests", "limits"].map((side) => fieldOf(fieldOf(fieldOf(one, "resources"), side), "memory")),
  );
  return [...named.map(({ value }) => value), ...ofPod.flatMap((text) => (typeof text === "string" ? [text] : []))];
}

const fieldOf = (from: unknown, name: string): unknown =>
  typeof from === "object" && from !== null ? Reflect.get(from, name) : undefined;

function listIn(from: unknown, name: string): readonly unknown[] {
  const list = fieldOf(from, name);
  return Array.isArray(list) ? list : [];
}

function toMiB(text: string): number {
  const billionths = parseQuantity(text);
  return billionths === undefined || billionths <= 0n
    ? 0
    : Number((billionths + BILLIONTHS_OF_MIB - 1n) / BILLIONTHS_OF_MIB);
}
