import type { AttemptId } from "@skein/contracts";
import type { FailureCounts } from "@skein/engine";
import type pg from "pg";

/** Which task an action makes, and where its workflow says so. */
export interface OrderedTask extends FailureCounts {
  readonly runId: string;
  readonly ordinal: number;
  readonly project: string;
  readonly domain: string;
  readonly workflowId: number;
  readonly taskKey: string;
  readonly specNodeId: string;
  /** How the memory of the run's tasks grows, in the words of its annotation; empty where it does not say. */
  readonly memoryGrowth: string;
}

/** The tasks of attempts, in no order; those of unknown attempts are missing. */
export async function readOrderedTasks(db: pg.Pool, ids: readonly AttemptId[]): Promise<OrderedTask[]> {
  const { rows } = await db.query<Omit<OrderedTask, "workflowId"> & { workflowId: string }>({
    name: "read-ordered-tasks",
    text: `select a.run_id as "runId", a.ordinal, r.project, r.domain, r.workflow_id as "workflowId", a.task_key as "taskKey",
                  a.spec_node_id as "specNodeId", a.attempts, a.user_failures as "userFailures",
                  a.system_failures as "systemFailures", r.memory_growth as "memoryGrowth"
           from unnest($1::uuid[], $2::int[]) w(run_id, ordinal)
           join actions a using (run_id, ordinal) join runs r on r.id = a.run_id
           where a.task_key is not null`,
    values: [ids.map(({ runId }) => runId), ids.map(({ ordinal }) => ordinal)],
  });
  return rows.map((row) => ({ ...row, workflowId: Number(row.workflowId) }));
}
