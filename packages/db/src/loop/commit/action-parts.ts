import type { ActionState, NewAction } from "@skein/engine";
import { type Column, moment } from "../columns.ts";
import type { RunAdvance } from "../run-advance.ts";
import { type OfRun, part } from "./part.ts";

type ActionRow = OfRun<ActionState> & { readonly deckUri: string | null; readonly cacheEntryId: string | null };
type NewActionRow = ActionRow & NewAction;

const state: readonly Column<ActionRow>[] = [
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
const newState: readonly Column<NewActionRow>[] = [
  ...state,
  ["name", "text", (row) => row.name],
  ["parent_ordinal", "int", (row) => row.parentOrdinal],
  ["spec_node_id", "text", (row) => row.specNodeId],
  ["kind", "action_kind", (row) => row.kind],
  ["task_key", "text", (row) => row.taskKey],
];
/** What only actions have that are cached, recovered or written by a task. */
const special: readonly Column<ActionRow>[] = [
  ["cache_status", "cache_status", (row) => row.cacheStatus],
  ["cache_key", "text", (row) => row.cacheKey],
  ["cache_entry_id", "uuid", (row) => row.cacheEntryId],
  ["is_recovered", "boolean", (row) => row.isRecovered],
  ["is_expanded", "boolean", (row) => row.isExpanded],
];
const newSpecial: readonly Column<NewActionRow>[] = [
  ...special,
  ["item_index", "int", (row) => row.itemIndex],
  ["item_count", "int", (row) => row.itemCount],
  ["inputs_ordinal", "int", (row) => row.inputsOrdinal],
  ["reference_ordinal", "int", (row) => row.referenceOrdinal],
];

/** Whether an action's row says something that the plain statement does not write. */
export const isSpecialState = ({ cacheStatus, isRecovered, isExpanded }: ActionState): boolean =>
  cacheStatus !== "disabled" || isRecovered || isExpanded;
export const isSpecialNew = ({ itemIndex, itemCount, inputsOrdinal, referenceOrdinal }: NewAction): boolean =>
  itemIndex !== null || itemCount !== null || inputsOrdinal !== null || referenceOrdinal !== null;

const toRow = ({ runId, deckUris, cacheEntryIds }: RunAdvance, action: ActionState): ActionRow => ({
  ...action,
  runId,
  deckUri: deckUris.get(action.ordinal) ?? null,
  cacheEntryId: cacheEntryIds.get(action.ordinal) ?? null,
});

function addedRows(advances: readonly RunAdvance[]): NewActionRow[] {
  return advances.flatMap((advance) => {
    const states = new Map(advance.changes.actions.map((action) => [action.ordinal, action]));
    return advance.changes.newActions.flatMap((action) => {
      const row = states.get(action.ordinal);
      return row ? [{ ...action, ...toRow(advance, row) }] : [];
    });
  });
}

function changedRows(advances: readonly RunAdvance[]): ActionRow[] {
  return advances.flatMap((advance) => {
    const news = new Set(advance.changes.newActions.map(({ ordinal }) => ordinal));
    return advance.changes.actions.flatMap((action) => (news.has(action.ordinal) ? [] : [toRow(advance, action)]));
  });
}

const insertActions = (from: string, columns: readonly Column<NewActionRow>[]): string => {
  const names = columns.map(([name]) => `, ${name}`).join("");
  const picked = columns.map(([name]) => `, u.${name}`).join("");
  return `new_actions as (
  insert into actions (run_id, ordinal, org, project, domain, name, parent_ordinal, spec_node_id, kind, task_key, phase, attempts,
    user_failures, system_failures, started_at, ended_at, error_code, error_message, error_kind, deck_uri, changed_seq${names})
  select u.run_id, u.ordinal, f.org, f.project, f.domain, u.name, u.parent_ordinal, u.spec_node_id, u.kind, u.task_key, u.phase, u.attempts,
    u.user_failures, u.system_failures, ${moment("u.started")}, ${moment("u.ended")}, u.error_code, u.error_message, u.error_kind, u.deck_uri,
    f.changed_seq${picked}
  from ${from} join fenced f on f.id = u.run_id
)`;
};

const updateActions = (from: string, more: string): string => `changed_actions as (
  update actions a set phase = u.phase, attempts = u.attempts, user_failures = u.user_failures, system_failures = u.system_failures,
    started_at = ${moment("u.started")}, ended_at = ${moment("u.ended")}, error_code = u.error_code, error_message = u.error_message,
    error_kind = u.error_kind, deck_uri = coalesce(u.deck_uri, a.deck_uri), changed_seq = f.changed_seq, updated_at = now()${more}
  from ${from} join fenced f on f.id = u.run_id
  where a.run_id = u.run_id and a.ordinal = u.ordinal
)`;

const MORE_STATE = `, cache_status = u.cache_status, cache_key = u.cache_key,
    cache_entry_id = coalesce(u.cache_entry_id, a.cache_entry_id), is_recovered = u.is_recovered, is_expanded = u.is_expanded`;

/** Actions of which only what every action has differs from the defaults. */
export const plainActionParts = [
  part(newState, addedRows, (from) => insertActions(from, [])),
  part(state, changedRows, (from) => updateActions(from, "")),
] as const;

export const actionParts = [
  part([...newState, ...newSpecial], addedRows, (from) => insertActions(from, newSpecial)),
  part([...state, ...special], changedRows, (from) => updateActions(from, MORE_STATE)),
] as const;
