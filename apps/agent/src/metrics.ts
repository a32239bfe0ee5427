import { createMetrics, type Metrics } from "@skein/telemetry";

export interface AgentMetrics {
  readonly registry: Metrics;
  readonly ended: ReturnType<typeof endedCounter>;
  readonly busySlots: ReturnType<typeof busyGauge>;
}

const endedCounter = (metrics: Metrics) =>
  metrics.counter({
    name: "skein_agent_attempts_ended_total",
    help: "Attempts that ended on this agent, by outcome",
    labels: ["outcome"],
  });

const busyGauge = (metrics: Metrics) =>
  metrics.gauge({ name: "skein_agent_busy_slots", help: "Slots with an attempt in them" });

/** What an agent counts. */
export function createAgentMetrics(): AgentMetrics {
  const registry = createMetrics();
  return { registry, ended: endedCounter(registry), busySlots: busyGauge(registry) };
}
