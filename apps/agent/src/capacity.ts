import { availableParallelism, totalmem } from "node:os";
import { type Capacity, UNLIMITED } from "@skein/contracts";
import type { AgentConfig } from "./config.ts";

/** Pods run elsewhere; a slot of a launcher is no more than its memory of them. */
const POD_SLOTS = 1_000;

/** What the agent has to give: as configured, else what the machine has, or without limits where it runs nothing itself. */
export function capacityOf(config: AgentConfig): Capacity {
  const isElsewhere = config.runtime === "kubernetes";
  const processors = availableParallelism();
  return {
    slots: config.agentSlots ?? (isElsewhere ? POD_SLOTS : processors),
    cpuMillis: config.agentCpu ?? (isElsewhere ? UNLIMITED : processors * 1000),
    memoryMiB: config.agentMemory ?? (isElsewhere ? UNLIMITED : Math.floor(memoryBytes(config) / 2 ** 20)),
    gpus: config.agentGpus ?? (isElsewhere ? UNLIMITED : 0),
  };
}

/** Processes share the limit of the agent's own container, if there is one; containers stand beside it. */
function memoryBytes({ runtime }: AgentConfig): number {
  const limit = runtime === "process" ? process.constrainedMemory() : 0;
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
