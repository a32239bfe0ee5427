import type { AttemptReport } from "@skein/contracts";
import { isTerminalAction } from "@skein/engine";
import { attemptOutputPrefix } from "@skein/storage";
import type { Logger } from "@skein/telemetry";
import type { Fact } from "./inbox.ts";
import type { SchedulerMetrics } from "./metrics.ts";
import { toEvent } from "./read-report.ts";
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

const OUTPUTS_NOT_FOUND = "OutputsNotFound";
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
  const refused = refuse(report, message);
  return { ...fact, report: refused, event: toEvent(refused, fact.event.atMs) };
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
  const outputs = report.outcome.type === "succeeded" ? report.outcome.outputs : undefined;
  if (!outputs || !("uri" in outputs)) return undefined;
  const found = await sizeOf(storage, outputs.uri);
  if (found === outputs.sizeBytes) return undefined;
  const there = found === undefined ? "there is no such object" : `there are ${found}`;
  const message = `the agent reported ${outputs.sizeBytes} bytes of outputs at ${outputs.uri}, but ${there}`;
  return { reason: "not_found", message };
}

function urisOf({ outcome }: AttemptReport): string[] {
  if (outcome.type !== "succeeded" && outcome.type !== "failed") return [];
  const deck = outcome.deckUri === undefined ? [] : [outcome.deckUri];
  return outcome.type === "succeeded" && "uri" in outcome.outputs ? [...deck, outcome.outputs.uri] : deck;
}

async function sizeOf(storage: ObjectStore, uri: string): Promise<number | undefined> {
  try {
    return (await storage.head(uri))?.sizeBytes;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The same report as a failure of the platform, naming nothing. */
function refuse(report: AttemptReport, message: string): AttemptReport {
  const { outcome } = report;
  if (outcome.type !== "succeeded" && outcome.type !== "failed") return report;
  const { startedAtMs, endedAtMs } = outcome;
  const failure = { code: OUTPUTS_NOT_FOUND, message, kind: "system", recoverable: true } as const;
  return { ...report, outcome: { type: "failed", startedAtMs, endedAtMs, failure } };
}
