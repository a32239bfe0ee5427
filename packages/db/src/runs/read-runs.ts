import { and, eq, getTableColumns, type SQL, sql } from "drizzle-orm";
import type { Db } from "../connect.ts";
import { type ListFields, type ListQuery, orderOf, whereOf } from "../lists/list-query.ts";
import type { NameId, VersionId } from "../registry/identity.ts";
import { actionValues, launchPlans, runInputs, runs, runTags, tasks, workflows } from "../schema/index.ts";

/** A run with the identity of the graph that it runs. */
export type RunRow = typeof runs.$inferSelect & { readonly workflow: VersionId };

const identityOf = (table: typeof workflows) => ({
  project: table.project,
  domain: table.domain,
  name: table.name,
  version: table.version,
});
const RUN = { ...getTableColumns(runs), workflow: identityOf(workflows) };

export async function findRun(db: Db, id: NameId): Promise<RunRow | undefined> {
  const [row] = await db
    .select(RUN)
    .from(runs)
    .innerJoin(workflows, eq(workflows.id, runs.workflowId))
    .where(and(eq(runs.project, id.project), eq(runs.domain, id.domain), eq(runs.name, id.name)));
  return row;
}

const hasTag = (condition: SQL | undefined): SQL =>
  sql`exists (select from ${runTags} where ${and(eq(runTags.runId, runs.id), condition)})`;

const RUN_FIELDS = {
  id: runs.id,
  project: runs.project,
  domain: runs.domain,
  name: runs.name,
  phase: runs.phase,
  state: runs.state,
  mode: runs.mode,
  principal: runs.principal,
  cluster: runs.cluster,
  errorKind: runs.errorKind,
  errorCode: runs.errorCode,
  abortCause: runs.abortCause,
  duration: runs.duration,
  createdAt: runs.createdAt,
  updatedAt: runs.updatedAt,
  startedAt: runs.startedAt,
  workflowProject: workflows.project,
  workflowDomain: workflows.domain,
  workflowName: workflows.name,
  workflowVersion: workflows.version,
  launchPlanProject: launchPlans.project,
  launchPlanDomain: launchPlans.domain,
  launchPlanName: launchPlans.name,
  launchPlanVersion: launchPlans.version,
  taskProject: tasks.project,
  taskDomain: tasks.domain,
  taskName: tasks.name,
  taskVersion: tasks.version,
  /** Of a child run: the run that started it. */
  parentRunId: runs.parentRunId,
  tag: { word: runTags.tag, hasWord: hasTag },
  tagValue: { word: runTags.value, hasWord: hasTag },
  launchEntity: sql`case when ${runs.taskId} is null then 'launch_plan' else 'task' end`,
} satisfies ListFields<string>;
export type RunField = keyof typeof RUN_FIELDS;

/** Without a sort: oldest first. The order (created_at, id) is what `runs_newest_idx` gives, forwards or backwards. */
export async function listRuns(db: Db, query: ListQuery<RunField>): Promise<RunRow[]> {
  const tieBreak = query.sort === undefined ? [runs.createdAt, runs.id] : [runs.id];
  return db
    .select(RUN)
    .from(runs)
    .innerJoin(workflows, eq(workflows.id, runs.workflowId))
    .leftJoin(launchPlans, eq(launchPlans.id, runs.launchPlanId))
    .leftJoin(tasks, eq(tasks.id, runs.taskId))
    .where(whereOf(RUN_FIELDS, query.where))
    .orderBy(...orderOf(RUN_FIELDS, query.sort, tieBreak))
    .limit(query.limit)
    .offset(query.offset);
}

/** The name of the run that another one repeats. */
export async function findRunName(db: Db, id: string): Promise<NameId | undefined> {
  const [row] = await db
    .select({ project: runs.project, domain: runs.domain, name: runs.name })
    .from(runs)
    .where(eq(runs.id, id));
  return row;
}

export type ValueSide = "inputs" | "outputs";
export type ValueRow = typeof actionValues.$inferSelect;

/** Both values of an action, as far as they exist. */
export async function findValues(db: Db, runId: string, ordinal: number): Promise<ValueRow[]> {
  return db
    .select()
    .from(actionValues)
    .where(and(eq(actionValues.runId, runId), eq(actionValues.ordinal, ordinal)));
}

export async function findValue(
  db: Db,
  runId: string,
  ordinal: number,
  side: ValueSide,
): Promise<ValueRow | undefined> {
  const [row] = await db
    .select()
    .from(actionValues)
    .where(and(eq(actionValues.runId, runId), eq(actionValues.ordinal, ordinal), eq(actionValues.side, side)));
  return row;
}

/** What the user gave at launch. */
export async function findRunInputs(db: Db, runId: string): Promise<typeof runInputs.$inferSelect | undefined> {
  const [row] = await db.select().from(runInputs).where(eq(runInputs.runId, runId));
  return row;
}
