import {
  type LaunchLimit,
  type LaunchPlanLimit,
  type NameId,
  type OpenDb,
  readLaunchPlanLimits,
  type VersionId,
  WHEN_FULL,
  type WhenFull,
} from "@skein/db";
import type { LaunchPlanSpec } from "@skein/idl/admin";
import { keepReads } from "./keep-reads.ts";

/** The annotation of a launch plan that says what becomes of launches above its limit. */
const CONCURRENCY_NAME = "skein.dev/concurrency";
/** The annotation that says how many unfinished runs it may have, for clients that know no concurrency policy. */
const CONCURRENCY_MAX_NAME = "skein.dev/concurrency-max";
const RUNS_MAX = 1_000_000;

type Planned = Pick<LaunchPlanSpec, "annotations" | "concurrencyPolicy">;

const isWhenFull = (word: string): word is WhenFull => (WHEN_FULL as readonly string[]).includes(word);

function parseMax(words: string): number | undefined {
  const max = /^\d{1,7}$/.test(words) ? Number(words) : 0;
  return max >= 1 && max <= RUNS_MAX ? max : undefined;
}

/** What a version of a launch plan limits itself to. Skipping is the only thing that Flyte 1 can do; 0 is no limit. */
export function plannedLimit(id: VersionId, { annotations, concurrencyPolicy }: Planned): LaunchLimit | undefined {
  const values = annotations?.values ?? {};
  const runsMax = parseMax(values[CONCURRENCY_MAX_NAME] ?? "") ?? concurrencyPolicy?.max ?? 0;
  const word = values[CONCURRENCY_NAME] ?? "skip";
  const { project, domain, name } = id;
  const whenFull = isWhenFull(word) ? word : "skip";
  return runsMax > 0 ? { launchPlan: { project, domain, name }, runsMax, whenFull } : undefined;
}

/** What is wrong with what a launch plan says about it. */
export function concurrencyProblems({ annotations, concurrencyPolicy }: Planned): string[] {
  const values = annotations?.values ?? {};
  const word = values[CONCURRENCY_NAME];
  const max = values[CONCURRENCY_MAX_NAME];
  const problems: string[] = [];
  if (word !== undefined && !isWhenFull(word))
    problems.push(`${CONCURRENCY_NAME} is "${word}", but must be one of ${WHEN_FULL.join(", ")}`);
  if (max !== undefined && parseMax(max) === undefined)
    problems.push(`${CONCURRENCY_MAX_NAME} is "${max}", but must be a whole number from 1 to ${RUNS_MAX}`);
  if (word !== undefined && max === undefined && !concurrencyPolicy?.max)
    problems.push(`${CONCURRENCY_NAME} says nothing without a limit: set ${CONCURRENCY_MAX_NAME} too`);
  return problems;
}

/** What people decided about launch plans, which wins over what their versions say. */
export interface LimitBook {
  /** What holds now, or held a second ago. */
  of(target: LimitedTarget): Promise<LaunchLimit | undefined>;
  /** Somebody decided something: whatever was read before counts no more. */
  forget(): void;
}

/** What is launched, and what it says about its limit itself. */
interface LimitedTarget {
  readonly launched: NameId;
  /** Undefined for a single task, which has no limit. */
  readonly launchPlan: LaunchPlanSpec | undefined;
  readonly limit: LaunchLimit | undefined;
}

const keyOf = ({ project, domain, name }: NameId): string => `${project}:${domain}:${name}`;
/** There are few decisions, and they are read together. */
const ALL = "";

/** Keeps what it read for a second. */
export function openLimitBook(pool: OpenDb["pool"]): LimitBook {
  const decisions = keepReads(
    async (): Promise<ReadonlyMap<string, LaunchPlanLimit>> =>
      new Map((await readLaunchPlanLimits(pool)).map((row) => [keyOf(row), row])),
  );
  return {
    forget: () => decisions.forget(ALL),
    async of({ launched, launchPlan, limit: planned }) {
      if (!launchPlan) return planned;
      const decided = (await decisions.of(ALL)).get(keyOf(launched));
      if (!decided) return planned;
      const { project, domain, name, runsMax, whenFull } = decided;
      return runsMax > 0 ? { launchPlan: { project, domain, name }, runsMax, whenFull } : undefined;
    },
  };
}
