import { and, eq, type SQL, sql } from "drizzle-orm";
import { type ListCondition, type ListFields, type ListQuery, whereOf } from "../lists/list-query.ts";
import { launchPlans, runs, runTags, tasks, workflows } from "../schema/index.ts";

const hasTag = (condition: SQL | undefined): SQL =>
  sql`exists (select from ${runTags} where ${and(eq(runTags.runId, runs.id), condition)})`;

const WORKFLOW_FIELDS = {
  workflowProject: workflows.project,
  workflowDomain: workflows.domain,
  workflowName: workflows.name,
  workflowVersion: workflows.version,
} satisfies ListFields<string>;

const LAUNCH_PLAN_FIELDS = {
  launchPlanProject: launchPlans.project,
  launchPlanDomain: launchPlans.domain,
  launchPlanName: launchPlans.name,
  launchPlanVersion: launchPlans.version,
} satisfies ListFields<string>;

const TASK_FIELDS = {
  taskProject: tasks.project,
  taskDomain: tasks.domain,
  taskName: tasks.name,
  taskVersion: tasks.version,
} satisfies ListFields<string>;

/** What runs are filtered and sorted by. */
export const RUN_FIELDS = {
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
  endedAt: runs.endedAt,
  ...WORKFLOW_FIELDS,
  ...LAUNCH_PLAN_FIELDS,
  ...TASK_FIELDS,
  /** Of a child run: the run that started it. */
  parentRunId: runs.parentRunId,
  tag: { word: runTags.tag, hasWord: hasTag },
  tagValue: { word: runTags.value, hasWord: hasTag },
  launchEntity: sql`case when ${runs.taskId} is null then 'launch_plan' else 'task' end`,
} satisfies ListFields<string>;
export type RunField = keyof typeof RUN_FIELDS;

type Filter = Pick<ListQuery<RunField>, "where" | "sort">;

/** The rows that a list chooses from: what is joined for nothing would be looked up for each run that a page skips. */
export function runsWith({ where, sort }: Filter): SQL {
  const used = new Set<string>([...where.map(({ field }) => field), ...(sort ? [sort.field] : [])]);
  const isUsed = (fields: object) => Object.keys(fields).some((field) => used.has(field));
  const joins = [
    isUsed(WORKFLOW_FIELDS) ? sql`join ${workflows} on ${workflows.id} = ${runs.workflowId}` : sql``,
    isUsed(LAUNCH_PLAN_FIELDS) ? sql`left join ${launchPlans} on ${launchPlans.id} = ${runs.launchPlanId}` : sql``,
    isUsed(TASK_FIELDS) ? sql`left join ${tasks} on ${tasks.id} = ${runs.taskId}` : sql``,
  ];
  return sql`${runs} ${sql.join(joins, sql` `)}`;
}

/** Whether a run fits, said so that the index can decide most of it. Purged runs never do. */
export function isListed(where: readonly ListCondition<RunField>[]): SQL {
  const conditions = [whereOf(RUN_FIELDS, where), ...hintsOf(where)];
  return and(sql`${runs.state} <> 'purged'`, ...conditions) ?? sql`true`;
}

const isEqual = ({ operator }: ListCondition<string>): boolean => operator === "eq" || operator === "in";
const of = <Field extends RunField>(where: readonly ListCondition<RunField>[], fields: ListFields<Field>) =>
  where.filter((one): one is ListCondition<Field> => isEqual(one) && Object.hasOwn(fields, one.field));

/**
 * Conditions that follow from the others and that an index of runs knows: who runs a launch plan runs its workflow, a
 * single task runs the workflow `.flytegen.<its name>` of its version, and only what failed has an error.
 */
function hintsOf(where: readonly ListCondition<RunField>[]): SQL[] {
  const hints: SQL[] = [];
  const ofWorkflow = of(where, WORKFLOW_FIELDS);
  const ofLaunchPlan = of(where, LAUNCH_PLAN_FIELDS);
  const ofTask = of(where, TASK_FIELDS);
  if (ofWorkflow.length > 0) {
    const ids = sql`select ${workflows.id} from ${workflows} where ${whereOf(WORKFLOW_FIELDS, ofWorkflow)}`;
    hints.push(sql`${runs.workflowId} = any(array(${ids}))`);
  }
  if (ofLaunchPlan.length > 0) {
    const ids = sql`select ${launchPlans.workflowId} from ${launchPlans} where ${whereOf(LAUNCH_PLAN_FIELDS, ofLaunchPlan)}`;
    hints.push(sql`${runs.workflowId} = any(array(${ids}))`);
  }
  if (ofTask.length > 0) {
    const ids = sql`select hidden.id from ${tasks} join ${workflows} hidden on hidden.project = ${tasks.project}
      and hidden.domain = ${tasks.domain} and hidden.name = '.flytegen.' || ${tasks.name} and hidden.version = ${tasks.version}
      where ${whereOf(TASK_FIELDS, ofTask)}`;
    hints.push(sql`${runs.workflowId} = any(array(${ids}))`);
  }
  for (const { operator, values } of where.filter(({ field }) => field === "principal")) {
    if (operator === "eq") hints.push(sql`hashtext(${runs.principal}) = hashtext(${values[0]})`);
  }
  if (where.some((one) => one.field === "errorCode" && isEqual(one))) {
    hints.push(sql`${runs.phase} in ('failing', 'failed', 'aborting', 'aborted')`);
  }
  return hints;
}
