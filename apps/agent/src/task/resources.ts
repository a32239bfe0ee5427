import { type Resources, Resources_ResourceName } from "@skein/idl/core";
import type { Launch } from "../runtimes/runtime.ts";

const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** A Kubernetes quantity as a number; undefined for a text that is none. */
export function readQuantity(text: string): number | undefined {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([numkMGTPE]?i?)$/.exec(text.trim());
  const factor = match && SUFFIXES[match[2] ?? ""];
  return factor ? Number(match[1]) * factor : undefined;
}

/** What a container may use at most; a request without a limit is its limit. */
export function resourceLimits(resources: Resources | undefined): Launch["limits"] {
  const find = (name: Resources_ResourceName): number | undefined => {
    const entry = [...(resources?.limits ?? []), ...(resources?.requests ?? [])].find((one) => one.name === name);
    const amount = entry && readQuantity(entry.value);
    return amount !== undefined && amount > 0 ? amount : undefined;
  };
  const [cpu, memory] = [find(Resources_ResourceName.CPU), find(Resources_ResourceName.MEMORY)];
  const gpus = find(Resources_ResourceName.GPU);
  return {
    ...(cpu === undefined ? {} : { cpuMillis: Math.round(cpu * 1000) }),
    ...(memory === undefined ? {} : { memoryBytes: Math.round(memory) }),
    ...(gpus === undefined ? {} : { gpus: Math.ceil(gpus) }),
  };
}
