/** The queue backends that are measured. */
export const QUEUES = ["redis", "postgres"] as const;
export type QueueKind = (typeof QUEUES)[number];

/** A figure and how it is judged. Rates must stay at or above the mark, everything else at or under it. */
export interface Mark {
  readonly unit:
    | "seconds"
    | "per_second"
    | "register_seconds"
    | "slowest_ms"
    | "rss_mib"
    | "scheduler_rss_mib"
    | "late_to_early"
    | "added_seconds_per_pod"
    | "added_to_fan";
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** Marks for two cores with everything on them: api, scheduler and agent as separate processes, fsync on. */
export const MARKS: Record<string, Partial<Record<QueueKind, readonly Mark[]>>> = {
  "chain-40": {
    redis: [{ unit: "seconds", atMost: 0.4 }],
    postgres: [{ unit: "seconds", atMost: 0.8 }],
  },
  "fan-1000": {
    redis: [{ unit: "seconds", atMost: 1.2 }],
    postgres: [{ unit: "seconds", atMost: 4 }],
  },
  "runs-1000": {
    redis: [{ unit: "per_second", atLeast: 300 }],
    postgres: [{ unit: "per_second", atLeast: 120 }],
  },
  "nodes-10000": {
    redis: [
      { unit: "register_seconds", atMost: 5 },
      { unit: "seconds", atMost: 20 },
    ],
  },
  "map-1000": {
    redis: [{ unit: "seconds", atMost: 6.2 }],
  },
  "map-100000": {
    redis: [
      { unit: "scheduler_rss_mib", atMost: 1024 },
      { unit: "late_to_early", atMost: 1.5 },
    ],
  },
  "dynamic-5000": {
    redis: [{ unit: "scheduler_rss_mib", atMost: 1024 }],
  },
  lists: {
    postgres: [{ unit: "slowest_ms", atMost: 50 }],
  },
  pods: {
    redis: [
      { unit: "added_seconds_per_pod", atMost: 0.05 },
      { unit: "added_to_fan", atMost: 0.05 },
    ],
  },
  idle: {
    postgres: [{ unit: "rss_mib", atMost: 350 }],
  },
};

/** The marks that `figures` miss, as sentences. */
export function missedMarks(bench: string, queue: QueueKind, figures: Readonly<Record<string, number>>): string[] {
  return (MARKS[bench]?.[queue] ?? []).flatMap(({ unit, atMost, atLeast }) => {
    const value = figures[unit];
    if (value === undefined) return [`${bench} on ${queue} gave no ${unit}`];
    if (atMost !== undefined && value > atMost) return [`${bench} on ${queue}: ${unit} ${value} > ${atMost}`];
    if (atLeast !== undefined && value < atLeast) return [`${bench} on ${queue}: ${unit} ${value} < ${atLeast}`];
    return [];
  });
}

/** The middle of an odd number of figures, to three digits. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Number((sorted[Math.floor(sorted.length / 2)] ?? Number.NaN).toFixed(3));
}
