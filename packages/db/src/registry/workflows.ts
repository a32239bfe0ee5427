import { and, eq, getTableColumns } from "drizzle-orm";
import type { Db } from "../connect.ts";
import { type ListFields, type ListQuery, orderOf, whereOf } from "../lists/list-query.ts";
import { workflows } from "../schema/index.ts";
import type { VersionId } from "./identity.ts";
import { insertName, type NamedEntityState } from "./named-entities.ts";

export type WorkflowRow = typeof workflows.$inferSelect;

/** A version of a workflow without its bulky parts: what a list shows. */
export type WorkflowSummary = Omit<WorkflowRow, "spec" | "compiled">;

/** What a caller decides about a new version of a workflow. */
export type NewWorkflow = VersionId &
  Pick<WorkflowRow, "digest" | "shortDescription" | "interface" | "spec" | "compiled" | "createdAt">;

/** Stores a version and its name (in `state`, if it is new); false when that version exists already, which then stays as it is. */
export async function insertWorkflow(
  db: Db,
  workflow: NewWorkflow,
  state: NamedEntityState = "active",
): Promise<boolean> {
  return db.transaction(async (tx) => {
    const inserted = await tx
      .insert(workflows)
      .values({ ...workflow, updatedAt: workflow.createdAt })
      .onConflictDoNothing({ target: [workflows.project, workflows.domain, workflows.name, workflows.version] })
      .returning({ id: workflows.id });
    if (inserted.length === 0) return false;
    await insertName(tx, "workflow", workflow, state);
    return true;
  });
}

export async function findWorkflow(db: Db, id: VersionId): Promise<WorkflowRow | undefined> {
  const [row] = await db.select().from(workflows).where(isVersion(id));
  return row;
}

const { spec: _spec, compiled: _compiled, ...SUMMARY } = getTableColumns(workflows);

/** Like `findWorkflow`, without reading the compiled graph, which may be many megabytes. */
export async function findWorkflowSummary(db: Db, id: VersionId): Promise<WorkflowSummary | undefined> {
  const [row] = await db.select(SUMMARY).from(workflows).where(isVersion(id));
  return row;
}

/** The spec as sent, without the compiled graph. */
export async function findWorkflowSpec(db: Db, id: VersionId): Promise<Uint8Array | undefined> {
  const [row] = await db.select({ spec: workflows.spec }).from(workflows).where(isVersion(id));
  return row?.spec;
}

const WORKFLOW_FIELDS = {
  id: workflows.id,
  project: workflows.project,
  domain: workflows.domain,
  name: workflows.name,
  version: workflows.version,
  shortDescription: workflows.shortDescription,
  createdAt: workflows.createdAt,
  updatedAt: workflows.updatedAt,
} satisfies ListFields<string>;
export type WorkflowField = keyof typeof WORKFLOW_FIELDS;

export async function listWorkflows(db: Db, query: ListQuery<WorkflowField>): Promise<WorkflowSummary[]> {
  return db
    .select(SUMMARY)
    .from(workflows)
    .where(whereOf(WORKFLOW_FIELDS, query.where))
    .orderBy(...orderOf(WORKFLOW_FIELDS, query.sort, [workflows.id]))
    .limit(query.limit)
    .offset(query.offset);
}

const isVersion = (id: VersionId) =>
  and(
    eq(workflows.project, id.project),
    eq(workflows.domain, id.domain),
    eq(workflows.name, id.name),
    eq(workflows.version, id.version),
  );
