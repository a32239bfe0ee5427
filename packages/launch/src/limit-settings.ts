import type { RunSettings } from "@skein/db";
import { MEMORY_GROWTH_NAME, MEMORY_GROWTH_SYNTAX, parseMemoryGrowth } from "@skein/engine";
import type { Annotations, ExecutionSpec } from "@skein/idl/admin";

/** The annotation that says how long an attempt may wait for somebody to begin it. */
const QUEUE_TIMEOUT_NAME = "skein.dev/queue-timeout";

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(?:\d{1,9}[smhd])+$/;
const QUEUE_TIMEOUT_MS_MAX = 365 * 86_400_000;

/** Milliseconds of `90s`, `10m`, `1h30m` or `2d`; undefined for anything else, for nothing and for more than a year. */
export function parseWait(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let sum = 0;
  for (const [, count, unit = ""] of text.matchAll(/(\d+)([smhd])/g)) sum += Number(count) * (UNIT_MS[unit] ?? 0);
  return sum > 0 && sum <= QUEUE_TIMEOUT_MS_MAX ? sum : undefined;
}

/** What is wrong with a run's or a launch plan's annotations about limits; each names the annotation. */
export function limitProblems(annotations: Annotations | undefined): string[] {
  const values = annotations?.values ?? {};
  const wait = values[QUEUE_TIMEOUT_NAME];
  const growth = values[MEMORY_GROWTH_NAME];
  const problems: string[] = [];
  if (wait !== undefined && parseWait(wait) === undefined)
    problems.push(
      `${QUEUE_TIMEOUT_NAME} is "${wait}", but must be a time such as 90s, 10m, 1h30m or 2d, a year at most`,
    );
  if (growth !== undefined && !parseMemoryGrowth(growth))
    problems.push(`${MEMORY_GROWTH_NAME} is "${growth}", but must be ${MEMORY_GROWTH_SYNTAX}`);
  return problems;
}

/** What a merged spec limits. An annotation says more than the quality of service; a wrong one was refused before. */
export function limitSettings({
  maxParallelism,
  annotations,
  qualityOfService,
}: ExecutionSpec): Pick<RunSettings, "maxParallelism" | "queueTimeoutMs" | "memoryGrowth"> {
  const values = annotations?.values ?? {};
  const designation = qualityOfService?.designation;
  const budget = designation?.case === "spec" ? designation.value.queueingBudget : undefined;
  const budgetMs = budget ? Number(budget.seconds) * 1_000 + Math.ceil(budget.nanos / 1e6) : 0;
  const growth = values[MEMORY_GROWTH_NAME];
  return {
    maxParallelism,
    queueTimeoutMs: parseWait(values[QUEUE_TIMEOUT_NAME] ?? "") ?? Math.max(0, budgetMs),
    memoryGrowth: growth !== undefined && parseMemoryGrowth(growth) ? growth : "",
  };
}
