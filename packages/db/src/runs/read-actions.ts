import { TOTAL_TIMEOUT } from "@skein/engine";
import { invariant } from "@skein/errors";
import { and, eq, getTableColumns, inArray, isNull, type SQL, sql } from "drizzle-orm";
import type { Db } from "../connect.ts";
import { type ListFields, type ListQuery, orderOf, whereOf } from "../lists/list-query.ts";
import { actions, attempts, runs } from "../schema/index.ts";

export type ActionRow = typeof actions.$inferSelect;
export type AttemptRow = typeof attempts.$inferSelect;

export async function findAction(db: Db, runId: string, name: string): Promise<ActionRow | undefined> {
  const [row] = await db
    .select()
    .from(actions)
    .where(and(eq(actions.runId, runId), eq(actions.name, name)));
  return row;
}

/** The graph that a run of which there are actions follows. */
export async function findWorkflowOfRun(db: Db, runId: string): Promise<number> {
  const [row] = await db.select({ workflowId: runs.workflowId }).from(runs).where(eq(runs.id, runId));
  invariant(row, `run ${runId} of an action exists`);
  return row.workflowId;
}

/** What kinds of actions the names stand for; unknown names are left out. */
export async function findActionKinds(
  db: Db,
  runId: string,
  names: readonly string[],
): Promise<Pick<ActionRow, "name" | "kind">[]> {
  return db
    .select({ name: actions.name, kind: actions.kind })
    .from(actions)
    .where(and(eq(actions.runId, runId), inArray(actions.name, [...names])));
}

const RUN_OF_ACTION = {
  runPhase: runs.phase,
  runName: runs.name,
  runState: runs.state,
  runMode: runs.mode,
} satisfies ListFields<string>;

/**
 * The phase, told more precisely for what was taken over from a recovered run, for tasks whose workflow runs, and for those
 * whose attempts together took too long.
 */
const SHOWN_PHASE = sql`case
  when ${actions.isRecovered} and ${actions.phase} = 'succeeded' then 'recovered'
  when ${actions.isExpanded} and ${actions.phase} = 'running' then 'expanded'
  when ${actions.kind} = 'task' and ${actions.phase} = 'failed' and ${actions.errorCode} = ${sql.raw(`'${TOTAL_TIMEOUT}'`)} then 'timed_out'
  else ${actions.phase}::text end`;

const ACTION_FIELDS = {
  ordinal: actions.ordinal,
  name: actions.name,
  phase: SHOWN_PHASE,
  kind: actions.kind,
  errorKind: actions.errorKind,
  errorCode: actions.errorCode,
  duration: actions.duration,
  createdAt: actions.createdAt,
  updatedAt: actions.updatedAt,
  startedAt: actions.startedAt,
  ...RUN_OF_ACTION,
} satisfies ListFields<string>;
export type ActionField = keyof typeof ACTION_FIELDS;

/**
 * Actions of a run below `parentOrdinal`; null: those without a parent. Without a sort: in order of creation. The page is
 * cut from ordinals alone: whole rows of tens of thousands of actions would be sorted on disk, for each page anew.
 */
export async function listActions(
  db: Db,
  runId: string,
  parentOrdinal: number | null,
  query: ListQuery<ActionField>,
): Promise<ActionRow[]> {
  const parent = parentOrdinal === null ? isNull(actions.parentOrdinal) : eq(actions.parentOrdinal, parentOrdinal);
  const order = orderOf(ACTION_FIELDS, query.sort, [actions.ordinal]);
  const ordinals = db
    .select({ ordinal: actions.ordinal })
    .from(actions)
    .innerJoin(runs, eq(runs.id, actions.runId))
    .where(and(eq(actions.runId, runId), parent, whereOf(ACTION_FIELDS, query.where)))
    .orderBy(...order)
    .limit(query.limit)
    .offset(query.offset);
  return db
    .select(getTableColumns(actions))
    .from(actions)
    .innerJoin(runs, eq(runs.id, actions.runId))
    .where(and(eq(actions.runId, runId), inArray(actions.ordinal, ordinals)))
    .orderBy(...order);
}

export async function findAttempt(
  db: Db,
  runId: string,
  ordinal: number,
  attempt: number,
): Promise<AttemptRow | undefined> {
  const [row] = await db
    .select()
    .from(attempts)
    .where(and(eq(attempts.runId, runId), eq(attempts.ordinal, ordinal), eq(attempts.attempt, attempt)));
  return row;
}

/** A task key is `project:domain:name:version`; only the name may hold colons. */
const taskKeyPart = (pattern: string): SQL => sql`substring(${actions.taskKey} from ${sql.raw(`'${pattern}'`)})`;

const ATTEMPT_FIELDS = {
  attempt: attempts.attempt,
  phase: attempts.phase,
  errorKind: attempts.errorKind,
  errorCode: attempts.errorCode,
  duration: attempts.duration,
  createdAt: attempts.queuedAt,
  updatedAt: attempts.updatedAt,
  startedAt: attempts.startedAt,
  actionName: actions.name,
  actionPhase: SHOWN_PHASE,
  taskProject: taskKeyPart("^([^:]*):"),
  taskDomain: taskKeyPart("^[^:]*:([^:]*):"),
  taskName: taskKeyPart("^[^:]*:[^:]*:(.*):[^:]*$"),
  taskVersion: taskKeyPart("([^:]*)$"),
  ...RUN_OF_ACTION,
} satisfies ListFields<string>;
export type AttemptField = keyof typeof ATTEMPT_FIELDS;

/** The attempts of one action. Without a sort: in order. */
export async function listAttempts(
  db: Db,
  runId: string,
  ordinal: number,
  query: ListQuery<AttemptField>,
): Promise<AttemptRow[]> {
  return db
    .select(getTableColumns(attempts))
    .from(attempts)
    .innerJoin(actions, and(eq(actions.runId, attempts.runId), eq(actions.ordinal, attempts.ordinal)))
    .innerJoin(runs, eq(runs.id, attempts.runId))
    .where(and(eq(attempts.runId, runId), eq(attempts.ordinal, ordinal), whereOf(ATTEMPT_FIELDS, query.where)))
    .orderBy(...orderOf(ATTEMPT_FIELDS, query.sort, [attempts.attempt]))
    .limit(query.limit)
    .offset(query.offset);
}
