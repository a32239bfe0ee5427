import type { Metrics } from "@skein/telemetry";

/** What the scheduler counts. */
export const createSchedulerMetrics = (metrics: Metrics) => ({
  commits: metrics.counter({
    name: "skein_scheduler_commits_total",
    help: "Commits by outcome",
    labels: ["outcome"],
  }),
  commitSeconds: metrics.histogram({
    name: "skein_scheduler_commit_seconds",
    help: "From taking the facts of some runs to having them in Postgres",
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5],
  }),
  batchRuns: metrics.histogram({
    name: "skein_scheduler_batch_runs",
    help: "Runs in one commit",
    buckets: [1, 2, 5, 10, 25],
  }),
  batchFacts: metrics.histogram({
    name: "skein_scheduler_batch_facts",
    help: "Facts in one commit",
    buckets: [1, 5, 25, 100, 500, 2500],
  }),
  ringSeconds: metrics.histogram({
    name: "skein_ring_seconds",
    help: "From queueing an attempt to applying its end",
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 10, 60, 600],
  }),
  staleReports: metrics.counter({
    name: "skein_scheduler_stale_reports_total",
    help: "Reports dropped, by reason",
    labels: ["reason"],
  }),
  refusedReports: metrics.counter({
    name: "skein_scheduler_refused_reports_total",
    help: "Reports that name objects which are missing or not their attempt's, by reason",
    labels: ["reason"],
  }),
  brokenRuns: metrics.counter({
    name: "skein_scheduler_broken_runs_total",
    help: "Runs failed because a defect of Skein kept them from advancing",
  }),
  deliveries: metrics.counter({
    name: "skein_deliveries_total",
    help: "Tries to tell somebody of a run that is over, by kind of target and by what came of them",
    labels: ["kind", "outcome"],
  }),
  errands: metrics.counter({
    name: "skein_scheduler_errands_total",
    help: "Errands by kind and by what came of them; those that wait for something count at each look",
    labels: ["kind", "outcome"],
  }),
  published: metrics.counter({
    name: "skein_scheduler_published_orders_total",
    help: "Orders given to the queue: at once after the commit, from the backlog, or again because nobody took them",
    labels: ["pool", "why"],
  }),
  backlog: metrics.gauge({
    name: "skein_pool_backlog_orders",
    help: "Orders that wait for room in their pool's window",
    labels: ["pool"],
  }),
  shards: metrics.gauge({ name: "skein_scheduler_shards", help: "Shards this scheduler owns" }),
  cachedRuns: metrics.gauge({ name: "skein_scheduler_cached_runs", help: "Unfinished runs held in memory" }),
  archivedLogs: metrics.counter({
    name: "skein_scheduler_archived_logs_total",
    help: "Logs of ended attempts put together in the object store, by outcome; failed ones are tried again",
    labels: ["outcome"],
  }),
  loopErrors: metrics.counter({
    name: "skein_scheduler_loop_errors_total",
    help: "Rounds of a loop that failed and will be tried again",
    labels: ["loop"],
  }),
});
export type SchedulerMetrics = ReturnType<typeof createSchedulerMetrics>;
