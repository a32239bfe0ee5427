import type { AttemptReport } from "@skein/contracts";
import { isTerminalAction } from "@skein/engine";
import { attemptOutputPrefix } from "@skein/storage";
import type { Logger } from "@skein/telemetry";
import { asFailure, OUTPUTS_NOT_FOUND } from "./attempt-reports.ts";
import type { Fact } from "./inbox.ts";
import type { SchedulerMetrics } from "./metrics.ts";
import type { CachedRun } from "./run-cache.ts";
import { isMissing, type ObjectStore } from "./values.ts";

export interface CheckOptions {
  readonly storage: ObjectStore;
  readonly logger: Logger;
  readonly metrics: SchedulerMetrics;
}

interface Problem {
  readonly reason: "foreign_uri" | "not_found";
  readonly message: string;
}

/** What a reader might decode, and what no name that an agent gives has. */
const ODD = /[%\\?#\p{Cc}]/u;

/** Whether `uri` names something below the folder `prefix`, in the plain spelling that agents use. */
export function liesUnder(prefix: string, uri: string): boolean {
  if (!uri.startsWith(`${prefix}/`)) return false;
  const rest = uri.slice(prefix.length + 1);
  return !ODD.test(rest) && rest.split("/").every((segment) => !["", ".", ".."].includes(segment));
}

/**
 * The facts of one run, where each report that names objects of the store is one that may be believed: an agent must
 * not make us read for it what is not its attempt's, and outputs that are not there are a failure of the platform that
 * another attempt can mend. Rejects when the store does not answer.
 */
export function checkReports(run: CachedRun, facts: readonly Fact[], options: CheckOptions): Promise<Fact[]> {
  return Promise.all(facts.map((fact) => checkOne(run, fact, options)));
}

async function checkOne(run: CachedRun, fact: Fact, options: CheckOptions): Promise<Fact> {
  const { report } = fact;
  if (!report || urisOf(report).length === 0) return fact;
  const problem = await problemOf(run, report, options.storage);
  if (!problem) return fact;
  const { reason, message } = problem;
  options.metrics.refusedReports.inc({ reason });
  const { runId, ordinal, attempt, agentId } = report;
  options.logger.warn({ runId, ordinal, attempt, agentId, reason }, `a report was refused: ${message}`);
  const failure = { code: OUTPUTS_NOT_FOUND, message, kind: "system", recoverable: true } as const;
  return { ...fact, ...asFailure(report, failure, fact.event.atMs) };
}

async function problemOf(run: CachedRun, report: AttemptReport, storage: ObjectStore): Promise<Problem | undefined> {
  const action = run.state.actions.get(report.ordinal);
  // The engine drops such a report.
  if (!action || isTerminalAction(action.phase)) return undefined;
  const { project, domain, name: runName } = run;
  const { name: actionName } = action;
  const prefix = attemptOutputPrefix(storage, { project, domain, runName, actionName, attempt: report.attempt });
  const foreign = urisOf(report).find((uri) => !liesUnder(prefix, uri));
  if (foreign !== undefined) {
    const message = `the agent reported ${JSON.stringify(foreign)}, which is not below its attempt's folder ${prefix}`;
    return { reason: "foreign_uri", message };
  }
  for (const { uri, sizeBytes } of objectsOf(report)) {
    const found = await sizeOf(storage, uri);
    if (found === sizeBytes) continue;
    const there = found === undefined ? "there is no such object" : `there are ${found}`;
    const message = `the agent reported ${sizeBytes} bytes of outputs at ${uri}, but ${there}`;
    return { reason: "not_found", message };
  }
  return undefined;
}

/** Objects that must be there. */
function objectsOf({ outcome }: AttemptReport): { readonly uri: string; readonly sizeBytes: number }[] {
  if (outcome.type !== "succeeded") return [];
  const { outputs, futures } = outcome;
  return ["uri" in outputs ? outputs : undefined, futures].filter((object) => object !== undefined);
}

function urisOf(report: AttemptReport): string[] {
  const { outcome } = report;
  if (outcome.type !== "succeeded" && outcome.type !== "failed") return [];
  const deck = outcome.deckUri === undefined ? [] : [outcome.deckUri];
  return [...deck, ...objectsOf(report).map(({ uri }) => uri)];
}

async function sizeOf(storage: ObjectStore, uri: string): Promise<number | undefined> {
  try {
    return (await storage.head(uri))?.sizeBytes;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
