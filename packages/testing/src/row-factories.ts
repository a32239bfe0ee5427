import { createHash, randomUUID } from "node:crypto";
import type pg from "pg";

type Column = string | number | boolean | Date | Uint8Array | null;
type Row = Readonly<Record<string, Column>>;

const EMPTY = Buffer.alloc(0);
const TENANT = { project: "flytesnacks", domain: "development" };
const digestOf = (text: string): Buffer => createHash("sha256").update(text).digest();

/** Inserts one row, columns named as in Postgres, and answers it whole. */
export async function insertRow<T extends pg.QueryResultRow>(pool: pg.Pool, table: string, row: Row): Promise<T> {
  const columns = Object.keys(row);
  const { rows } = await pool.query<T>(
    `insert into ${table} (${columns.join(", ")}) values (${columns.map((_, index) => `$${index + 1}`).join(", ")}) returning *`,
    Object.values(row),
  );
  const [inserted] = rows;
  if (inserted === undefined) throw new Error(`nothing was inserted into ${table}`);
  return inserted;
}

/** The project and domain that the other factories write to. */
export async function insertProject(pool: pg.Pool, columns: Row = {}): Promise<void> {
  await insertRow(pool, "projects", { id: TENANT.project, name: TENANT.project, labels: EMPTY, ...columns });
  await pool.query("insert into domains (id, name) values ($1, $1) on conflict do nothing", [TENANT.domain]);
}

/** A version of a task; answers its key. */
export async function insertTask(pool: pg.Pool, columns: Row = {}): Promise<number> {
  const name = `task-${randomUUID()}`;
  const defaults = {
    ...TENANT,
    name,
    version: "v1",
    type: "echo",
    digest: digestOf(name),
    spec: EMPTY,
    closure: EMPTY,
  };
  const { id } = await insertRow<{ id: string }>(pool, "tasks", { ...defaults, ...columns });
  return Number(id);
}

/** A version of a workflow; answers its key. Give `compiled` when a scheduler is to run it. */
export async function insertWorkflow(pool: pg.Pool, columns: Row = {}): Promise<number> {
  const name = `workflow-${randomUUID()}`;
  const bytes = { interface: EMPTY, spec: EMPTY, compiled: EMPTY };
  const defaults = { ...TENANT, name, version: "v1", digest: digestOf(name), ...bytes };
  const { id } = await insertRow<{ id: string }>(pool, "workflows", { ...defaults, ...columns });
  return Number(id);
}

/** A version of a launch plan of the workflow; answers its key. */
export async function insertLaunchPlan(pool: pg.Pool, workflowId: number, columns: Row = {}): Promise<number> {
  const name = `launch-plan-${randomUUID()}`;
  const bytes = { spec: EMPTY, closure: EMPTY };
  const defaults = { ...TENANT, name, version: "v1", digest: digestOf(name), workflow_id: workflowId, ...bytes };
  const { id } = await insertRow<{ id: string }>(pool, "launch_plans", { ...defaults, ...columns });
  return Number(id);
}

/** A queued run of the workflow, without inputs or events; answers its id. */
export async function insertRun(pool: pg.Pool, workflowId: number, columns: Row = {}): Promise<string> {
  const id = randomUUID();
  const name = `a${id.replaceAll("-", "").slice(0, 19)}`;
  const who = { mode: "manual", principal: "test", spec: EMPTY };
  await insertRow(pool, "runs", { id, ...TENANT, name, shard: 0, workflow_id: workflowId, ...who, ...columns });
  return String(columns.id ?? id);
}
