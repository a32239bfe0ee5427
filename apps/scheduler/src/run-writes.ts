import { randomUUID } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { attemptToken, tokenHash } from "@skein/contracts";
import type { CachePut, NewOrder, NewSignal, NewValue, ParentNews } from "@skein/db";
import { type ActionRecord, type Changes, cacheAddress, isTerminalRun, type ValueCopy } from "@skein/engine";
import { type LiteralType, LiteralTypeSchema, SimpleType } from "@skein/idl/core";
import type { CachedRun } from "./run-cache.ts";

/** What a scheduler must know to turn an engine's decisions into rows. */
export interface AdvanceSettings {
  readonly secretKey: string;
  /** Whose agents do the work of runs that name no pool. */
  readonly pool: string;
  /** Whether rules of its project ask for news of a run's end. */
  readonly isRuled: (run: Pick<CachedRun, "org" | "project" | "domain">) => boolean;
}

const END_ORDINAL = 1;
const BOOLEAN = create(LiteralTypeSchema, { type: { case: "simple", value: SimpleType.BOOLEAN } });
const NONE = create(LiteralTypeSchema, { type: { case: "simple", value: SimpleType.NONE } });

/** The orders of the new attempts. */
export function ordersOf({ runId, state, limits }: CachedRun, changes: Changes, settings: AdvanceSettings): NewOrder[] {
  const dispatched = new Set(
    changes.commands.flatMap((command) =>
      command.type === "dispatchAttempt" ? [`${command.ordinal}.${command.attempt}`] : [],
    ),
  );
  return changes.attempts
    .filter(({ isNew }) => isNew)
    .map(({ ordinal, attempt }) => {
      const id = { runId, ordinal, attempt };
      const target = state.actions.get(ordinal)?.node.target;
      const kind = target?.kind === "task" ? target.task.orderKind : "container";
      const hash = tokenHash(attemptToken(settings.secretKey, id));
      const pool = limits.pool || settings.pool;
      return { id, kind, pool, tokenHash: hash, isDispatched: dispatched.has(`${ordinal}.${attempt}`) };
    });
}

/** The gates that wait from now on for somebody's answer. */
export function signalsOf({ state }: CachedRun, { commands }: Changes): NewSignal[] {
  return commands.flatMap((command) => {
    if (command.type !== "openSignal") return [];
    const target = state.actions.get(command.ordinal)?.node.target;
    if (target?.kind !== "gate" || target.gate.type === "sleep") return [];
    const { gate } = target;
    const isApproval = gate.type === "approve";
    const type: LiteralType = isApproval ? BOOLEAN : (gate.valueType ?? NONE);
    return [{ ordinal: command.ordinal, signalId: gate.signalId, isApproval, type: toBinary(LiteralTypeSchema, type) }];
  });
}

/** Copies of what is written in the same commit are written like it; those of older rows are left to the database. */
export function copiedRows(
  copies: readonly ValueCopy[],
  written: readonly NewValue[],
): { readonly rows: NewValue[]; readonly left: ValueCopy[] } {
  const rows: NewValue[] = [];
  const left: ValueCopy[] = [];
  if (copies.length === 0) return { rows, left };
  const sources = new Map(written.map((row) => [`${row.ordinal}/${row.side}`, row]));
  for (const copy of copies) {
    const { from, to } = copy;
    const source = from.of ? undefined : sources.get(`${from.ordinal}/${from.side}`);
    if (source) rows.push({ ...source, ordinal: to.ordinal, side: to.side });
    else left.push(copy);
  }
  return { rows, left };
}

/** Outputs that the cache is to hold from now on. */
export function cachePutsOf(
  { actions }: Changes,
  written: readonly NewValue[],
  recordOf: (ordinal: number) => ActionRecord | undefined,
): CachePut[] {
  const populated = actions.filter(({ phase, cacheStatus }) => phase === "succeeded" && cacheStatus === "populated");
  if (populated.length === 0) return [];
  const outputs = new Map(written.filter(({ side }) => side === "outputs").map((row) => [row.ordinal, row]));
  return populated.flatMap(({ ordinal, attempts, cacheKey }) => {
    const record = recordOf(ordinal);
    const row = outputs.get(ordinal);
    if (record?.node.target.kind !== "task" || !row || cacheKey === null) return [];
    const { key } = record.node.target.task;
    const { data, uri, sizeBytes } = row;
    const source = { ordinal, actionName: record.name, attempt: Math.max(0, attempts - 1) };
    const taskVersion = key.slice(key.lastIndexOf(":") + 1);
    return [{ entryId: randomUUID(), ...cacheAddress(key, cacheKey), taskVersion, ...source, data, uri, sizeBytes }];
  });
}

/** Whether a run ends here and somebody may want to hear of it. */
export const isAnnounced = (run: CachedRun, { run: change }: Changes, { isRuled }: AdvanceSettings): boolean =>
  change !== null && isTerminalRun(change.phase) && (run.limits.hasNotifications || isRuled(run));

/** What the end of a child run tells the run that launched it: how it ended, and what its end-node was given. */
export function parentNewsOf(
  { name, parent }: CachedRun,
  { run }: Changes,
  written: readonly NewValue[],
): ParentNews | null {
  if (!parent || !run || !isTerminalRun(run.phase) || run.endedAtMs === null) return null;
  const { ordinal, attempt } = parent;
  const phase = run.phase === "succeeded" || run.phase === "failed" ? run.phase : "aborted";
  const aborted = `The child run ${name} was aborted: ${run.abortCause ?? "no cause was given"}.`;
  const failure =
    phase === "aborted"
      ? { code: "ChildRunAborted", message: aborted, kind: "user" as const, recoverable: false }
      : run.failure;
  const result = written.find((value) => value.ordinal === END_ORDINAL && value.side === "inputs");
  const outputs = phase === "succeeded" && result ? result : null;
  return {
    parent,
    event: { type: "childEnded", ordinal, attempt, atMs: run.endedAtMs, phase, failure },
    outputs: outputs && { data: outputs.data, uri: outputs.uri, sizeBytes: outputs.sizeBytes },
  };
}
