import { type Capacity, UNLIMITED } from "@skein/contracts";
import { createMetrics } from "@skein/telemetry";

export type AgentMetrics = ReturnType<typeof createAgentMetrics>;

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];

/** What an agent counts. */
export function createAgentMetrics() {
  const registry = createMetrics();
  const resource = (name: string, help: string) => registry.gauge({ name, help, labels: ["resource"] });
  const capacity = resource("skein_agent_capacity", "What this agent has: slots, cpu (cores), memory (bytes), gpu");
  const reserved = resource("skein_agent_reserved", "What running attempts hold of it, in the same words");
  return {
    registry,
    busySlots: registry.gauge({ name: "skein_agent_busy_slots", help: "Slots with an attempt in them" }),
    waitingOrderSeconds: registry.gauge({
      name: "skein_agent_waiting_order_seconds",
      help: "How long the next order has been waiting for room here; 0 where none does",
    }),
    returned: registry.counter({
      name: "skein_agent_orders_returned_total",
      help: "Orders that went back to the queue for want of room: full now, or too_large for this agent",
      labels: ["why"],
    }),
    started: registry.counter({
      name: "skein_agent_attempts_started_total",
      help: "Attempts whose user code was started on this agent",
    }),
    ended: registry.counter({
      name: "skein_agent_attempts_ended_total",
      help: "Attempts that ended on this agent, by outcome",
      labels: ["outcome"],
    }),
    claimSeconds: registry.histogram({
      name: "skein_agent_claim_seconds",
      help: "From asking the api for attempts to its answer",
      buckets: SECONDS,
    }),
    reportSeconds: registry.histogram({
      name: "skein_agent_report_seconds",
      help: "From the end of an attempt to hearing that its outcome is settled",
      buckets: SECONDS,
    }),
    logBytes: registry.counter({ name: "skein_agent_log_bytes_total", help: "Bytes of logs that the api took" }),
    connectorCalls: registry.counter({
      name: "skein_agent_connector_calls_total",
      help: "Calls of connectors, by what was asked and how it was answered",
      labels: ["connector", "method", "code"],
    }),
    /** Limits that are none are not shown. */
    setCapacity: (all: Capacity) => setResources(capacity, all),
    setReserved: (used: Capacity) => setResources(reserved, used),
  };
}

function setResources(
  gauge: { set(labels: { readonly resource: string }, value: number): void },
  { slots, cpuMillis, memoryMiB, gpus }: Capacity,
): void {
  const shown = [
    ["slots", slots, 1],
    ["cpu", cpuMillis, 1e-3],
    ["memory", memoryMiB, 2 ** 20],
    ["gpu", gpus, 1],
  ] as const;
  for (const [name, amount, unit] of shown) if (amount < UNLIMITED) gauge.set({ resource: name }, amount * unit);
}
