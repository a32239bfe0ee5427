import { eq, getTableColumns, inArray } from "drizzle-orm";
import type { Db } from "../connect.ts";
import type { VersionId } from "../registry/identity.ts";
import { deliveries, launchPlans, notificationRules, runEndings, runs, tasks, workflows } from "../schema/index.ts";
import type { NotificationRule } from "./rules.ts";

/** A run that is over, and what it ran. */
export type EndedRun = typeof runs.$inferSelect & {
  readonly workflow: VersionId;
  /** Null for a single task. */
  readonly launchPlan: VersionId | null;
  /** Null for a launch plan. */
  readonly task: VersionId | null;
};

export type NewDelivery = Pick<
  typeof deliveries.$inferInsert,
  "org" | "project" | "domain" | "runId" | "runName" | "source" | "ruleId" | "kind" | "addresses" | "message"
>;

const identityOf = ({ project, domain, name, version }: typeof workflows) => ({ project, domain, name, version });

/**
 * Turns endings of runs into deliveries, in one transaction: all that a run's end asks for, once. Several schedulers may
 * do it at the same time. `plan` gets the runs and the rules of their projects. Answers how many endings were taken.
 */
export function planDeliveries(
  db: Db,
  endingsMax: number,
  plan: (run: EndedRun, rules: readonly NotificationRule[]) => readonly NewDelivery[],
): Promise<number> {
  return db.transaction(async (tx) => {
    const endings = await tx.select().from(runEndings).limit(endingsMax).for("update", { skipLocked: true });
    if (endings.length === 0) return 0;
    const runIds = endings.map(({ runId }) => runId);
    // A run may have been deleted in between: then there is nothing to tell.
    const ended = await tx
      .select({
        ...getTableColumns(runs),
        workflow: identityOf(workflows),
        launchPlan: identityOf(launchPlans as unknown as typeof workflows),
        task: identityOf(tasks as unknown as typeof workflows),
      })
      .from(runs)
      .innerJoin(workflows, eq(workflows.id, runs.workflowId))
      .leftJoin(launchPlans, eq(launchPlans.id, runs.launchPlanId))
      .leftJoin(tasks, eq(tasks.id, runs.taskId))
      .where(inArray(runs.id, runIds));
    const projects = Array.from(new Set(ended.map(({ project }) => project)));
    const rules =
      projects.length === 0
        ? []
        : await tx.select().from(notificationRules).where(inArray(notificationRules.project, projects));
    const planned = ended.flatMap((run) => plan(run as EndedRun, rules));
    if (planned.length > 0) await tx.insert(deliveries).values(planned).onConflictDoNothing();
    await tx.delete(runEndings).where(inArray(runEndings.runId, runIds));
    return endings.length;
  });
}
