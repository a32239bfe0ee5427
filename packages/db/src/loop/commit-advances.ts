import type { ErrandKind } from "@skein/engine";
import type pg from "pg";
import { actionParts, isSpecialNew, isSpecialState, plainActionParts } from "./commit/action-parts.ts";
import type { Part } from "./commit/part.ts";
import { plainParts, runPart } from "./commit/plain-parts.ts";
import { specialParts } from "./commit/special-parts.ts";
import type { CommandRow, ErrandRow, RunAdvance } from "./run-advance.ts";

interface Statement {
  readonly name: string;
  readonly text: string;
  readonly parts: readonly Part[];
}

/**
 * One statement of many parts; `answer` gets the parameter that is the number of runs. It must call `fence`, which
 * raises 40001 unless all runs were taken, and undoes every part of the statement by that.
 */
function toStatement(name: string, parts: readonly Part[], answer: (runs: string) => string): Statement {
  let parameter = 1;
  const ctes = parts.map((part) => {
    const text = part.ctes(parameter);
    parameter += part.width;
    return text;
  });
  return { name, text: `with ${ctes.join(", ")}\n${answer(`$${parameter}::int`)}`, parts };
}

const FENCE = (runs: string) => `(select fence(${runs}, (select count(*)::int from fenced)) as held) checked`;

/** Runs of tasks and sub-workflows need no more, and it is the cheaper one to plan, to send and to run. */
const PLAIN = toStatement(
  "commit-advances",
  [runPart, ...plainActionParts, ...plainParts],
  (runs) => `select c.id, c.run_id as "runId", c.ordinal, c.attempt, null as errand
from ${FENCE(runs)} left join new_commands c on checked.held`,
);

const FULL = toStatement(
  "commit-all-advances",
  [runPart, ...actionParts, ...plainParts, ...specialParts],
  (runs) => `select m.id, m.run_id as "runId", m.ordinal, m.attempt, m.errand
from ${FENCE(runs)} left join (
  select id, run_id, ordinal, attempt, null::errand_kind as errand from new_commands
  union all select id, run_id, ordinal, attempt, kind from new_errands
) m on checked.held
order by m.id`,
);

function isPlain({ changes, parentNews, isAnnounced, ...advance }: RunAdvance): boolean {
  const { copies, signals, expansions, cachePuts, links, errandIds } = advance;
  const lists = [copies, signals, expansions, cachePuts, links, errandIds, changes.reusedExpansions];
  return (
    parentNews === null &&
    !isAnnounced &&
    lists.every(({ length }) => length === 0) &&
    !changes.newActions.some(isSpecialNew) &&
    !changes.actions.some(isSpecialState) &&
    !changes.commands.some(({ type }) => type === "runErrand")
  );
}

/** What a commit left to do, in the order in which it was asked for. */
export interface Committed {
  readonly commands: readonly CommandRow[];
  readonly errands: readonly ErrandRow[];
}

interface AnswerRow {
  readonly id: string | null;
  readonly runId: string;
  readonly ordinal: number;
  readonly attempt: number;
  readonly errand: ErrandKind | null;
}

/**
 * Writes what the engine decided for several runs, in one statement: all of it or nothing. Answers the commands and the errands made.
 * Throws a Postgres error with SQLSTATE 40001 when one of the runs is no longer at the version its advance started from.
 */
export async function commitAdvances(pool: pg.Pool, advances: readonly RunAdvance[]): Promise<Committed> {
  const { name, text, parts } = advances.every(isPlain) ? PLAIN : FULL;
  const values: unknown[] = parts.flatMap((part) => part.values(advances));
  const { rows } = await pool.query<AnswerRow>({ name, text, values: [...values, advances.length] });
  const commands: CommandRow[] = [];
  const errands: ErrandRow[] = [];
  for (const { id: rowId, errand: kind, ...id } of rows) {
    if (rowId === null) continue;
    if (kind === null) commands.push({ commandId: Number(rowId), id });
    else errands.push({ errandId: Number(rowId), kind, id });
  }
  return { commands, errands };
}
