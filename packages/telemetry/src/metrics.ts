import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export interface MetricNames<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly L[];
}

/** The metrics of one process, in Prometheus' words. Names start with `skein_` and end in their unit. */
export interface Metrics {
  counter<L extends string = never>(names: MetricNames<L>): Counter<L>;
  gauge<L extends string = never>(names: MetricNames<L>): Gauge<L>;
  /** `buckets` are upper bounds, in the metric's unit. */
  histogram<L extends string = never>(names: MetricNames<L> & { readonly buckets: readonly number[] }): Histogram<L>;
  /** The text that a scraper reads. */
  read(): Promise<string>;
  readonly contentType: string;
}

/** A registry of its own, so that several apps in one process do not clash. */
export function createMetrics(options: { readonly defaults?: boolean } = {}): Metrics {
  const registry = new Registry();
  if (options.defaults ?? true) collectDefaultMetrics({ register: registry });
  const shared = <L extends string>(names: MetricNames<L>) => ({
    name: names.name,
    help: names.help,
    labelNames: [...(names.labels ?? [])],
    registers: [registry],
  });
  return {
    counter: (names) => new Counter(shared(names)),
    gauge: (names) => new Gauge(shared(names)),
    histogram: (names) => new Histogram({ ...shared(names), buckets: [...names.buckets] }),
    read: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
