import { type Resources, Resources_ResourceName, type TaskTemplate } from "@skein/idl/core";
import { parseQuantity } from "../compile/quantity.ts";
import { grownMemory, type MemoryGrowth } from "../memory-growth.ts";

/** What a container needs to have for itself. */
export interface AskedResources {
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  readonly gpus: number;
}

const BILLION = 1_000_000_000n;
/** More than any machine has; keeps a typing error within what a message can hold. */
const AMOUNT_MAX = 2n ** 31n - 1n;

/** What the task's container asks for: its requests, its limits where it has none. Undefined where it asks for nothing. */
export function askedResources(template: TaskTemplate, overrides: Resources | undefined): AskedResources | undefined {
  if (template.target.case !== "container") return undefined;
  const { requests = [], limits = [] } = overrides ?? template.target.value.resources ?? {};
  const entries = [...requests, ...limits];
  const amount = (name: Resources_ResourceName, unit: bigint): number => {
    const value = entries.find((one) => one.name === name)?.value;
    const billionths = value === undefined ? undefined : parseQuantity(value);
    if (billionths === undefined || billionths <= 0n) return 0;
    const units = (billionths + unit - 1n) / unit;
    return Number(units > AMOUNT_MAX ? AMOUNT_MAX : units);
  };
  const asked = {
    cpuMillis: amount(Resources_ResourceName.CPU, BILLION / 1000n),
    memoryMiB: amount(Resources_ResourceName.MEMORY, BILLION << 20n),
    gpus: amount(Resources_ResourceName.GPU, BILLION),
  };
  return asked.cpuMillis + asked.memoryMiB + asked.gpus > 0 ? asked : undefined;
}

/** What a container asks for once its memory has grown so many times. */
export const grownResources = (asked: AskedResources, growth: MemoryGrowth | null, times: number): AskedResources =>
  growth && times > 0 && asked.memoryMiB > 0
    ? { ...asked, memoryMiB: grownMemory(asked.memoryMiB, growth, times) }
    : asked;
