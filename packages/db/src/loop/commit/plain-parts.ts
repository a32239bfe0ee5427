import { type AttemptState, type EngineEvent, isTerminalAttempt, type RunChange } from "@skein/engine";
import { type Column, moment } from "../columns.ts";
import type { NewOrder, NewValue, Reporter, RunAdvance } from "../run-advance.ts";
import { type OfRun, part, perRun } from "./part.ts";

/** Takes the runs whose version is as expected; everything else joins them for the new `changed_seq`. */
export const runPart = part<OfRun<{ version: number; change: RunChange | null }>>(
  [
    ["run_id", "uuid", (row) => row.runId],
    ["version", "int", (row) => row.version],
    ["phase", "run_phase", (row) => row.change?.phase ?? null],
    ["started", "float8", (row) => row.change?.startedAtMs ?? null],
    ["ended", "float8", (row) => row.change?.endedAtMs ?? null],
    ["error_code", "text", (row) => row.change?.failure?.code ?? null],
    ["error_message", "text", (row) => row.change?.failure?.message ?? null],
    ["error_kind", "error_kind", (row) => row.change?.failure?.kind ?? null],
    ["abort_cause", "text", (row) => row.change?.abortCause ?? null],
    ["abort_principal", "text", (row) => row.change?.abortPrincipal ?? null],
  ],
  (advances) => advances.map(({ runId, version, changes }) => ({ runId, version, change: changes.run })),
  (from) => `fenced as (
  update runs r set
    version = r.version + 1, changed_seq = r.changed_seq + 1, updated_at = now(),
    phase = coalesce(u.phase, r.phase),
    started_at = coalesce(${moment("u.started")}, r.started_at), ended_at = coalesce(${moment("u.ended")}, r.ended_at),
    error_code = coalesce(u.error_code, r.error_code), error_message = coalesce(u.error_message, r.error_message),
    error_kind = coalesce(u.error_kind, r.error_kind), abort_cause = coalesce(u.abort_cause, r.abort_cause),
    abort_principal = coalesce(u.abort_principal, r.abort_principal)
  from ${from}
  where r.id = u.run_id and r.version = u.version
  returning r.id, r.changed_seq, r.org, r.project, r.domain, r.shard, r.priority, r.reference_run_id
)`,
);

type AttemptRow = OfRun<AttemptState> & Pick<Reporter, "imageDigest"> & { readonly agentId: string | null };
type NewAttemptRow = AttemptRow & Pick<NewOrder, "pool" | "kind" | "tokenHash">;
const attemptState: readonly Column<AttemptRow>[] = [
  ["run_id", "uuid", (row) => row.runId],
  ["ordinal", "int", (row) => row.ordinal],
  ["attempt", "int", (row) => row.attempt],
  ["phase", "attempt_phase", (row) => row.phase],
  ["agent_id", "text", (row) => row.agentId],
  ["image_digest", "text", (row) => row.imageDigest],
  ["started", "float8", (row) => row.startedAtMs],
  ["ended", "float8", (row) => row.endedAtMs],
  ["error_code", "text", (row) => row.failure?.code ?? null],
  ["error_message", "text", (row) => row.failure?.message ?? null],
  ["error_kind", "error_kind", (row) => row.failure?.kind ?? null],
  ["error_recoverable", "boolean", (row) => row.failure?.recoverable ?? null],
];

function toAttemptRow({ runId, reporters }: RunAdvance, attempt: AttemptState): AttemptRow {
  const reporter = reporters.get(`${attempt.ordinal}.${attempt.attempt}`);
  return { ...attempt, runId, agentId: reporter?.agentId ?? null, imageDigest: reporter?.imageDigest ?? null };
}

/** There is an order for each new attempt. */
function addedAttempts(advances: readonly RunAdvance[]): NewAttemptRow[] {
  return advances.flatMap((advance) => {
    const orderOf = new Map(advance.orders.map((order) => [`${order.id.ordinal}.${order.id.attempt}`, order]));
    return advance.changes.attempts.flatMap((attempt) => {
      const order = attempt.isNew ? orderOf.get(`${attempt.ordinal}.${attempt.attempt}`) : undefined;
      return order ? [{ ...toAttemptRow(advance, attempt), ...order }] : [];
    });
  });
}

const newAttemptPart = part<NewAttemptRow>(
  [
    ...attemptState,
    ["queued", "float8", (row) => row.queuedAtMs],
    ["pool", "text", (row) => row.pool],
    ["kind", "order_kind", (row) => row.kind],
    ["token_hash", "bytea", (row) => Buffer.from(row.tokenHash)],
  ],
  addedAttempts,
  (from) => `new_attempts as (
  insert into attempts (run_id, ordinal, attempt, org, project, shard, pool, kind, phase, token_hash, agent_id, image_digest, queued_at, started_at, ended_at,
    error_code, error_message, error_kind, error_recoverable, changed_seq)
  select u.run_id, u.ordinal, u.attempt, f.org, f.project, f.shard, u.pool, u.kind, u.phase, u.token_hash, u.agent_id, u.image_digest, ${moment("u.queued")},
    ${moment("u.started")}, ${moment("u.ended")}, u.error_code, u.error_message, u.error_kind, u.error_recoverable, f.changed_seq
  from ${from} join fenced f on f.id = u.run_id
)`,
);

const attemptPart = part<AttemptRow>(
  attemptState,
  (advances) =>
    advances.flatMap((advance) =>
      advance.changes.attempts.filter(({ isNew }) => !isNew).map((attempt) => toAttemptRow(advance, attempt)),
    ),
  (from) => `changed_attempts as (
  update attempts a set phase = u.phase, agent_id = coalesce(u.agent_id, a.agent_id),
    image_digest = coalesce(u.image_digest, a.image_digest), started_at = ${moment("u.started")},
    ended_at = ${moment("u.ended")}, error_code = u.error_code, error_message = u.error_message, error_kind = u.error_kind,
    error_recoverable = u.error_recoverable, changed_seq = f.changed_seq, updated_at = now()
  from ${from} join fenced f on f.id = u.run_id
  where a.run_id = u.run_id and a.ordinal = u.ordinal and a.attempt = u.attempt
)`,
);

const endedPart = part<OfRun<{ ordinal: number; attempt: number }>>(
  [
    ["run_id", "uuid", (row) => row.runId],
    ["ordinal", "int", (row) => row.ordinal],
    ["attempt", "int", (row) => row.attempt],
  ],
  perRun(({ changes }) => changes.attempts.filter(({ isNew, phase }) => isTerminalAttempt(phase) && !isNew)),
  (from) =>
    ["claims", "commands"]
      .map(
        (table) => `ended_${table} as (
  delete from ${table} c using ${from} where c.run_id = u.run_id and c.ordinal = u.ordinal and c.attempt = u.attempt
)`,
      )
      .join(", "),
);

const valuePart = part<OfRun<NewValue>>(
  [
    ["run_id", "uuid", (row) => row.runId],
    ["ordinal", "int", (row) => row.ordinal],
    ["side", "value_side", (row) => row.side],
    ["data", "bytea", (row) => (row.data ? Buffer.from(row.data) : null)],
    ["uri", "text", (row) => row.uri],
    ["size_bytes", "bigint", (row) => row.sizeBytes],
  ],
  perRun(({ values }) => values),
  (from) => `new_values as (
  insert into action_values (run_id, ordinal, side, data, uri, size_bytes)
  select u.run_id, u.ordinal, u.side, u.data, u.uri, u.size_bytes from ${from}
  on conflict do nothing
)`,
);

const commandPart = part<NewOrder>(
  [
    ["run_id", "uuid", (row) => row.id.runId],
    ["ordinal", "int", (row) => row.id.ordinal],
    ["attempt", "int", (row) => row.id.attempt],
    ["pool", "text", (row) => row.pool],
    ["kind", "order_kind", (row) => row.kind],
  ],
  (advances) => advances.flatMap(({ orders }) => orders.filter((order) => order.isDispatched)),
  (from) => `new_commands as (
  insert into commands (run_id, ordinal, attempt, shard, project, pool, kind, priority)
  select u.run_id, u.ordinal, u.attempt, f.shard, f.project, u.pool, u.kind, f.priority
  from ${from} join fenced f on f.id = u.run_id
  returning id, run_id, ordinal, attempt
)`,
);

type TimerId = OfRun<{ readonly ordinal: number; readonly attempt: number }>;
const timerPart = part<TimerId & { readonly kind: string; readonly dueAtMs: number }>(
  [
    ["run_id", "uuid", (row) => row.runId],
    ["ordinal", "int", (row) => row.ordinal],
    ["attempt", "int", (row) => row.attempt],
    ["kind", "timer_kind", (row) => row.kind],
    ["due", "float8", (row) => row.dueAtMs],
  ],
  perRun(({ changes }) =>
    changes.commands.flatMap((command) => (command.type === "setTimer" ? [{ ...command, kind: command.timer }] : [])),
  ),
  (from) => `new_timers as (
  insert into timers (run_id, ordinal, attempt, kind, shard, due_at)
  select u.run_id, u.ordinal, u.attempt, u.kind, f.shard, ${moment("u.due")}
  from ${from} join fenced f on f.id = u.run_id
  on conflict (run_id, ordinal, attempt, kind) do update set due_at = excluded.due_at
)`,
);

/** `kind` null clears every timer of the attempt. */
const clearedTimerPart = part<TimerId & { readonly kind: string | null }>(
  [
    ["run_id", "uuid", (row) => row.runId],
    ["ordinal", "int", (row) => row.ordinal],
    ["attempt", "int", (row) => row.attempt],
    ["kind", "timer_kind", (row) => row.kind],
  ],
  perRun(({ changes, appliedEvents }) => [
    ...changes.commands.flatMap((command) => (command.type === "clearTimers" ? [{ ...command, kind: null }] : [])),
    ...appliedEvents.flatMap((event) => (event.type === "timerFired" ? [{ ...event, kind: event.timer }] : [])),
  ]),
  (from) => `cleared_timers as (
  delete from timers t using ${from}
  where t.run_id = u.run_id and t.ordinal = u.ordinal and t.attempt = u.attempt and (u.kind is null or t.kind = u.kind)
)`,
);

const historyPart = part<OfRun<{ readonly event: EngineEvent }>>(
  [
    ["run_id", "uuid", (row) => row.runId],
    ["event", "jsonb", (row) => JSON.stringify(row.event)],
  ],
  perRun(({ appliedEvents }) => appliedEvents.map((event) => ({ event }))),
  (from) => `history as (
  insert into event_history (run_id, event) select u.run_id, u.event from ${from}
)`,
);

const appliedPart = part<number>(
  [["id", "bigint", (id) => id]],
  (advances) => advances.flatMap(({ eventIds }) => eventIds),
  (_, first) => `applied as (
  delete from events where id = any($${first}::bigint[])
)`,
);

/** What every commit may write beside runs and actions. */
export const plainParts = [
  newAttemptPart,
  attemptPart,
  endedPart,
  valuePart,
  commandPart,
  timerPart,
  clearedTimerPart,
  historyPart,
  appliedPart,
] as const;
