import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { NameId, TimedAction, TimedAttempt } from "@skein/db";
import type { SpanSchema } from "@skein/idl/core";
import { nodeIdentifier, taskIdentifier } from "./identifiers.ts";

export type Span = Exclude<MessageInitShape<typeof SpanSchema>, { $typeName: string }>;

interface Lifetime {
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
}

/** A run with the times of what it did. */
export interface TimedRun extends Lifetime {
  readonly id: NameId;
  readonly actions: readonly TimedAction[];
  readonly attempts: readonly TimedAttempt[];
  /** Spans of the runs that launch plans' actions started, by ordinal. */
  readonly children: ReadonlyMap<number, Span>;
}

/** Where the time of a run went: what Flyte calls its overheads lies between the spans of its parts. */
export function spanOfRun(run: TimedRun, depth: number): Span {
  const at = new SpanMaker(run);
  const parts = depth === 0 ? [] : at.partsUnder(null, depth - 1);
  return {
    ...between(run.createdAt, endOf(run)),
    id: { case: "workflowId", value: run.id },
    spans: depth === 0 ? [] : around(run, parts, "WORKFLOW"),
  };
}

/** A span of a part, with the moments that its neighbours need. */
interface Part {
  readonly from: Date;
  readonly to: Date;
  readonly span: Span;
}

class SpanMaker {
  readonly #run: TimedRun;
  readonly #children = new Map<number | null, TimedAction[]>();
  readonly #attempts = new Map<number, TimedAttempt[]>();

  constructor(run: TimedRun) {
    this.#run = run;
    for (const action of run.actions) push(this.#children, action.parentOrdinal, action);
    for (const attempt of run.attempts) push(this.#attempts, attempt.ordinal, attempt);
  }

  partsUnder(ordinal: number | null, depth: number): Part[] {
    const children = this.#children.get(ordinal) ?? [];
    return children
      .filter(({ kind, phase }) => kind !== "start" && kind !== "end" && phase !== "skipped")
      .map((action) => ({
        from: action.createdAt,
        to: endOf(action),
        span: {
          ...between(action.createdAt, endOf(action)),
          id: { case: "nodeId", value: nodeIdentifier({ ...this.#run.id, action: action.name }) },
          spans: depth === 0 ? [] : this.#inside(action, depth - 1),
        },
      }));
  }

  #inside(action: TimedAction, depth: number): Span[] {
    const { kind, ordinal } = action;
    const startedAt = action.startedAt ?? endOf(action);
    const ownTime = { from: startedAt, to: endOf(action) };
    if (kind === "gate")
      return around(action, [{ ...ownTime, span: operation(ownTime.from, ownTime.to, "NODE_IDLE") }], "NODE");
    if (kind === "array")
      return around(action, [{ ...ownTime, span: operation(ownTime.from, ownTime.to, "TASK_RUNTIME") }], "NODE");
    const child = this.#run.children.get(ordinal);
    if (child) return around(action, [{ ...ownTime, span: child }], "NODE");
    return around(action, [...this.#tries(action, depth), ...this.partsUnder(ordinal, depth)], "NODE");
  }

  #tries(action: TimedAction, depth: number): Part[] {
    const { taskKey } = action;
    if (taskKey === null) return [];
    const nodeExecutionId = nodeIdentifier({ ...this.#run.id, action: action.name });
    return (this.#attempts.get(action.ordinal) ?? []).map((attempt) => {
      const [from, to] = [attempt.queuedAt, attempt.endedAt ?? attempt.updatedAt];
      const startedAt = attempt.startedAt ?? to;
      const steps = [operation(from, startedAt, "TASK_SETUP"), operation(startedAt, to, "TASK_RUNTIME")];
      const value = { taskId: taskIdentifier(taskKey), nodeExecutionId, retryAttempt: attempt.attempt };
      return {
        from,
        to,
        span: { ...between(from, to), id: { case: "taskId", value }, spans: depth === 0 ? [] : steps },
      };
    });
  }
}

const push = <Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void => {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
};

const endOf = ({ endedAt, updatedAt }: Pick<Lifetime, "endedAt" | "updatedAt">): Date => endedAt ?? updatedAt;

/** What came before the first part, between tries, and after the last part. Without parts all of it was setting up. */
function around(whole: Lifetime, parts: readonly Part[], what: "WORKFLOW" | "NODE"): Span[] {
  const [first] = parts;
  if (!first) return [operation(whole.createdAt, endOf(whole), `${what}_SETUP`)];
  let { from: begin, to: end } = first;
  for (const { from, to } of parts) {
    if (from < begin) begin = from;
    if (to > end) end = to;
  }
  return [
    operation(whole.createdAt, begin, `${what}_SETUP`),
    ...parts.flatMap(({ span, from }, index) => {
      const before = parts[index - 1];
      const isNextTry = before?.span.id?.case === "taskId" && from > before.to;
      return isNextTry ? [operation(before.to, from, "NODE_RESET"), span] : [span];
    }),
    operation(end, endOf(whole), `${what}_TEARDOWN`),
  ];
}

const operation = (from: Date, to: Date, operationId: string): Span => ({
  ...between(from, to),
  id: { case: "operationId", value: operationId },
});

/** Clocks of agents may be behind ours: nothing lasts less than no time. */
const between = (from: Date, to: Date) => ({
  startTime: timestampFromDate(from),
  endTime: timestampFromDate(to > from ? to : from),
});
