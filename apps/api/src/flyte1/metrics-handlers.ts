import type { NameId } from "@skein/db";
import { type Call, isAllowed } from "../call.ts";
import type { Services } from "../services.ts";
import type { AdminHandlers } from "./admin-handlers.ts";
import { readRunId } from "./identifiers.ts";
import { type Span, spanOfRun } from "./spans.ts";

/** A span weighs some hundred bytes, and an action has about five. */
const ACTIONS_MAX = 10_000;
/** Child runs whose own spans are looked into. */
const CHILDREN_MAX = 100;

/** Where the time of a run went, for `pyflyte metrics`. */
export const metricsHandlers = (services: Services): AdminHandlers => ({
  async getExecutionMetrics(request, call) {
    const budget = { actions: ACTIONS_MAX, children: CHILDREN_MAX };
    return { span: await measure(services, call, readRunId(request.id), request.depth, budget) };
  },
});

/** Flyte counts levels down from `depth`; below zero means all of them. */
async function measure(
  services: Services,
  call: Call,
  id: NameId,
  depth: number,
  budget: { actions: number; children: number },
): Promise<Span> {
  const run = await services.runs.get(call, id);
  const timings = await services.actions.timings(call, run.id, depth === 0 ? 0 : budget.actions);
  budget.actions -= timings.actions.length;
  const children = new Map<number, Span>();
  for (const [ordinal, child] of timings.childRuns) {
    const { project, domain } = child;
    // A child run may belong to somebody else.
    if (budget.children === 0 || !isAllowed(call, "run:read", { project, domain })) continue;
    budget.children -= 1;
    children.set(ordinal, await measure(services, call, child, depth - 2, budget));
  }
  const { createdAt, updatedAt, startedAt, endedAt } = run;
  return spanOfRun({ id, createdAt, updatedAt, startedAt, endedAt, ...timings, children }, depth);
}
