export { type Logger, type LoggerOptions, openLogger } from "./logger.ts";
export { createMetrics, type MetricNames, type Metrics } from "./metrics.ts";
export { type MetricsServer, type MetricsServerOptions, openMetricsServer } from "./metrics-server.ts";
