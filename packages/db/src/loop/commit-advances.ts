import type { ActionState, AttemptState, EngineEvent, NewAction, RunChange } from "@skein/engine";
import { isTerminalAttempt } from "@skein/engine";
import type pg from "pg";
import { type Column, columnSet, moment } from "./columns.ts";
import type { CommandRow, NewOrder, NewValue, RunAdvance } from "./run-advance.ts";

type OfRun<Row> = Row & { readonly runId: string };

const runRows = columnSet<{ runId: string; version: number; change: RunChange | null }>([
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
]);

type ActionRow = OfRun<ActionState> & { readonly deckUri: string | null };
const actionState: readonly Column<ActionRow>[] = [
  ["run_id", "uuid", (row) => row.runId],
  ["ordinal", "int", (row) => row.ordinal],
  ["phase", "action_phase", (row) => row.phase],
  ["attempts", "int", (row) => row.attempts],
  ["user_failures", "int", (row) => row.userFailures],
  ["system_failures", "int", (row) => row.systemFailures],
  ["started", "float8", (row) => row.startedAtMs],
  ["ended", "float8", (row) => row.endedAtMs],
  ["error_code", "text", (row) => row.failure?.code ?? null],
  ["error_message", "text", (row) => row.failure?.message ?? null],
  ["error_kind", "error_kind", (row) => row.failure?.kind ?? null],
  ["deck_uri", "text", (row) => row.deckUri],
];
const actionRows = columnSet(actionState);
const newActionRows = columnSet<ActionRow & NewAction>([
  ...actionState,
  ["name", "text", (row) => row.name],
  ["parent_ordinal", "int", (row) => row.parentOrdinal],
  ["spec_node_id", "text", (row) => row.specNodeId],
  ["kind", "action_kind", (row) => row.kind],
  ["task_key", "text", (row) => row.taskKey],
]);

type AttemptRow = OfRun<AttemptState> & { readonly agentId: string | null };
const attemptState: readonly Column<AttemptRow>[] = [
  ["run_id", "uuid", (row) => row.runId],
  ["ordinal", "int", (row) => row.ordinal],
  ["attempt", "int", (row) => row.attempt],
  ["phase", "attempt_phase", (row) => row.phase],
  ["agent_id", "text", (row) => row.agentId],
  ["started", "float8", (row) => row.startedAtMs],
  ["ended", "float8", (row) => row.endedAtMs],
  ["error_code", "text", (row) => row.failure?.code ?? null],
  ["error_message", "text", (row) => row.failure?.message ?? null],
  ["error_kind", "error_kind", (row) => row.failure?.kind ?? null],
  ["error_recoverable", "boolean", (row) => row.failure?.recoverable ?? null],
];
const attemptRows = columnSet(attemptState);
type NewAttemptRow = AttemptRow & Pick<NewOrder, "pool" | "kind" | "tokenHash">;
const newAttemptRows = columnSet<NewAttemptRow>([
  ...attemptState,
  ["queued", "float8", (row) => row.queuedAtMs],
  ["pool", "text", (row) => row.pool],
  ["kind", "order_kind", (row) => row.kind],
  ["token_hash", "bytea", (row) => Buffer.from(row.tokenHash)],
]);

const endedRows = columnSet<{ runId: string; ordinal: number; attempt: number }>([
  ["run_id", "uuid", (row) => row.runId],
  ["ordinal", "int", (row) => row.ordinal],
  ["attempt", "int", (row) => row.attempt],
]);

const valueRows = columnSet<OfRun<NewValue>>([
  ["run_id", "uuid", (row) => row.runId],
  ["ordinal", "int", (row) => row.ordinal],
  ["side", "value_side", (row) => row.side],
  ["data", "bytea", (row) => (row.data ? Buffer.from(row.data) : null)],
  ["uri", "text", (row) => row.uri],
  ["size_bytes", "bigint", (row) => row.sizeBytes],
]);

const commandRows = columnSet<NewOrder>([
  ["run_id", "uuid", (row) => row.id.runId],
  ["ordinal", "int", (row) => row.id.ordinal],
  ["attempt", "int", (row) => row.id.attempt],
  ["pool", "text", (row) => row.pool],
  ["kind", "order_kind", (row) => row.kind],
]);

interface TimerRow {
  readonly runId: string;
  readonly ordinal: number;
  readonly attempt: number;
  readonly kind: string;
  readonly dueAtMs: number;
}
const timerRows = columnSet<TimerRow>([
  ["run_id", "uuid", (row) => row.runId],
  ["ordinal", "int", (row) => row.ordinal],
  ["attempt", "int", (row) => row.attempt],
  ["kind", "timer_kind", (row) => row.kind],
  ["due", "float8", (row) => row.dueAtMs],
]);
/** `kind` null clears every timer of the attempt. */
const clearedTimerRows = columnSet<Omit<TimerRow, "dueAtMs" | "kind"> & { readonly kind: string | null }>([
  ["run_id", "uuid", (row) => row.runId],
  ["ordinal", "int", (row) => row.ordinal],
  ["attempt", "int", (row) => row.attempt],
  ["kind", "timer_kind", (row) => row.kind],
]);

const historyRows = columnSet<{ runId: string; event: EngineEvent }>([
  ["run_id", "uuid", (row) => row.runId],
  ["event", "jsonb", (row) => JSON.stringify(row.event)],
]);

const SETS = [
  runRows,
  newActionRows,
  actionRows,
  newAttemptRows,
  attemptRows,
  endedRows,
  valueRows,
  commandRows,
  timerRows,
  clearedTimerRows,
  historyRows,
] as const;
const firstOf = (set: (typeof SETS)[number]): number =>
  1 + SETS.slice(0, SETS.indexOf(set)).reduce((sum, { width }) => sum + width, 0);
const from = (set: (typeof SETS)[number]): string => set.unnest("u", firstOf(set));
const PARAMETERS = SETS.reduce((sum, { width }) => sum + width, 0);

/**
 * `fenced` takes the runs whose version is as expected; everything else joins it for the new `changed_seq`. The last
 * SELECT raises 40001 unless all of them were taken, which undoes every part of the statement.
 */
const STATEMENT = `
with fenced as (
  update runs r set
    version = r.version + 1, changed_seq = r.changed_seq + 1, updated_at = now(),
    phase = coalesce(u.phase, r.phase),
    started_at = coalesce(${moment("u.started")}, r.started_at), ended_at = coalesce(${moment("u.ended")}, r.ended_at),
    error_code = coalesce(u.error_code, r.error_code), error_message = coalesce(u.error_message, r.error_message),
    error_kind = coalesce(u.error_kind, r.error_kind), abort_cause = coalesce(u.abort_cause, r.abort_cause),
    abort_principal = coalesce(u.abort_principal, r.abort_principal)
  from ${from(runRows)}
  where r.id = u.run_id and r.version = u.version
  returning r.id, r.changed_seq, r.org, r.project, r.domain, r.shard, r.priority
), new_actions as (
  insert into actions (run_id, ordinal, org, project, domain, name, parent_ordinal, spec_node_id, kind, task_key, phase, attempts,
    user_failures, system_failures, started_at, ended_at, error_code, error_message, error_kind, deck_uri, changed_seq)
  select u.run_id, u.ordinal, f.org, f.project, f.domain, u.name, u.parent_ordinal, u.spec_node_id, u.kind, u.task_key, u.phase, u.attempts,
    u.user_failures, u.system_failures, ${moment("u.started")}, ${moment("u.ended")}, u.error_code, u.error_message, u.error_kind, u.deck_uri, f.changed_seq
  from ${from(newActionRows)} join fenced f on f.id = u.run_id
), changed_actions as (
  update actions a set phase = u.phase, attempts = u.attempts, user_failures = u.user_failures, system_failures = u.system_failures,
    started_at = ${moment("u.started")}, ended_at = ${moment("u.ended")}, error_code = u.error_code, error_message = u.error_message,
    error_kind = u.error_kind, deck_uri = coalesce(u.deck_uri, a.deck_uri), changed_seq = f.changed_seq, updated_at = now()
  from ${from(actionRows)} join fenced f on f.id = u.run_id
  where a.run_id = u.run_id and a.ordinal = u.ordinal
), new_attempts as (
  insert into attempts (run_id, ordinal, attempt, org, project, shard, pool, kind, phase, token_hash, agent_id, queued_at, started_at, ended_at,
    error_code, error_message, error_kind, error_recoverable, changed_seq)
  select u.run_id, u.ordinal, u.attempt, f.org, f.project, f.shard, u.pool, u.kind, u.phase, u.token_hash, u.agent_id, ${moment("u.queued")},
    ${moment("u.started")}, ${moment("u.ended")}, u.error_code, u.error_message, u.error_kind, u.error_recoverable, f.changed_seq
  from ${from(newAttemptRows)} join fenced f on f.id = u.run_id
), changed_attempts as (
  update attempts a set phase = u.phase, agent_id = coalesce(u.agent_id, a.agent_id), started_at = ${moment("u.started")},
    ended_at = ${moment("u.ended")}, error_code = u.error_code, error_message = u.error_message, error_kind = u.error_kind,
    error_recoverable = u.error_recoverable, changed_seq = f.changed_seq, updated_at = now()
  from ${from(attemptRows)} join fenced f on f.id = u.run_id
  where a.run_id = u.run_id and a.ordinal = u.ordinal and a.attempt = u.attempt
), ended_claims as (
  delete from claims c using ${from(endedRows)}
  where c.run_id = u.run_id and c.ordinal = u.ordinal and c.attempt = u.attempt
), ended_commands as (
  delete from commands c using ${from(endedRows)}
  where c.run_id = u.run_id and c.ordinal = u.ordinal and c.attempt = u.attempt
), new_values as (
  insert into action_values (run_id, ordinal, side, data, uri, size_bytes)
  select u.run_id, u.ordinal, u.side, u.data, u.uri, u.size_bytes from ${from(valueRows)}
  on conflict do nothing
), new_commands as (
  insert into commands (run_id, ordinal, attempt, shard, pool, kind, priority)
  select u.run_id, u.ordinal, u.attempt, f.shard, u.pool, u.kind, f.priority
  from ${from(commandRows)} join fenced f on f.id = u.run_id
  returning id, run_id, ordinal, attempt
), new_timers as (
  insert into timers (run_id, ordinal, attempt, kind, shard, due_at)
  select u.run_id, u.ordinal, u.attempt, u.kind, f.shard, ${moment("u.due")}
  from ${from(timerRows)} join fenced f on f.id = u.run_id
  on conflict (run_id, ordinal, attempt, kind) do update set due_at = excluded.due_at
), cleared_timers as (
  delete from timers t using ${from(clearedTimerRows)}
  where t.run_id = u.run_id and t.ordinal = u.ordinal and t.attempt = u.attempt and (u.kind is null or t.kind = u.kind)
), history as (
  insert into event_history (run_id, event) select u.run_id, u.event from ${from(historyRows)}
), applied as (
  delete from events where id = any($${PARAMETERS + 1}::bigint[])
)
select c.id as "commandId", c.run_id as "runId", c.ordinal, c.attempt
from (select fence($${PARAMETERS + 2}::int, (select count(*)::int from fenced)) as held) checked
left join new_commands c on checked.held`;

/**
 * Writes what the engine decided for several runs, in one statement: all of it or nothing. Answers the commands made.
 * Throws a Postgres error with SQLSTATE 40001 when one of the runs is no longer at the version its advance started from.
 */
export async function commitAdvances(pool: pg.Pool, advances: readonly RunAdvance[]): Promise<CommandRow[]> {
  const values: unknown[] = [
    runRows.values(advances.map(({ runId, version, changes }) => ({ runId, version, change: changes.run }))),
    ...actionValuesOf(advances),
    ...attemptValuesOf(advances),
    valueRows.values(advances.flatMap(({ runId, values }) => values.map((value) => ({ ...value, runId })))),
    commandRows.values(advances.flatMap(({ orders }) => orders.filter((order) => order.isDispatched))),
    ...timerValuesOf(advances),
    historyRows.values(
      advances.flatMap(({ runId, appliedEvents }) => appliedEvents.map((event) => ({ runId, event }))),
    ),
  ].flat();
  const eventIds = advances.flatMap((advance) => advance.eventIds);
  const { rows } = await pool.query<{ commandId: number | null; runId: string; ordinal: number; attempt: number }>({
    name: "commit-advances",
    text: STATEMENT,
    values: [...values, eventIds, advances.length],
  });
  return rows.flatMap(({ commandId, ...id }) => (commandId === null ? [] : [{ commandId: Number(commandId), id }]));
}

function actionValuesOf(advances: readonly RunAdvance[]): unknown[][][] {
  const added: (ActionRow & NewAction)[] = [];
  const changed: ActionRow[] = [];
  for (const { runId, changes, deckUris } of advances) {
    const news = new Map(changes.newActions.map((action) => [action.ordinal, action]));
    for (const action of changes.actions) {
      const row = { ...action, runId, deckUri: deckUris.get(action.ordinal) ?? null };
      const isNew = news.get(action.ordinal);
      if (isNew) added.push({ ...isNew, ...row });
      else changed.push(row);
    }
  }
  return [newActionRows.values(added), actionRows.values(changed)];
}

function attemptValuesOf(advances: readonly RunAdvance[]): unknown[][][] {
  const added: NewAttemptRow[] = [];
  const changed: AttemptRow[] = [];
  const ended: { runId: string; ordinal: number; attempt: number }[] = [];
  for (const { runId, changes, orders, reporters } of advances) {
    const orderOf = new Map(orders.map((order) => [`${order.id.ordinal}.${order.id.attempt}`, order]));
    for (const attempt of changes.attempts) {
      const key = `${attempt.ordinal}.${attempt.attempt}`;
      const row = { ...attempt, runId, agentId: reporters.get(key) ?? null };
      const order = orderOf.get(key);
      if (attempt.isNew && order) added.push({ ...row, ...order });
      else changed.push(row);
      if (isTerminalAttempt(attempt.phase) && !attempt.isNew) ended.push(row);
    }
  }
  return [newAttemptRows.values(added), attemptRows.values(changed), endedRows.values(ended)];
}

function timerValuesOf(advances: readonly RunAdvance[]): unknown[][][] {
  const commands = advances.flatMap(({ runId, changes }) => changes.commands.map((command) => ({ command, runId })));
  const set = commands.flatMap(({ command, runId }) =>
    command.type === "setTimer" ? [{ ...command, runId, kind: command.timer }] : [],
  );
  const cleared = commands.flatMap(({ command, runId }) =>
    command.type === "clearTimers" ? [{ ...command, runId, kind: null }] : [],
  );
  const fired = advances.flatMap(({ runId, appliedEvents }) =>
    appliedEvents.flatMap((event) => (event.type === "timerFired" ? [{ ...event, runId, kind: event.timer }] : [])),
  );
  return [timerRows.values(set), clearedTimerRows.values([...cleared, ...fired])];
}
