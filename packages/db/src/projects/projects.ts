import { eq, sql } from "drizzle-orm";
import type { Db } from "../connect.ts";
import { type ListFields, type ListQuery, orderOf, whereOf } from "../lists/list-query.ts";
import { domains, type PROJECT_STATES, projects } from "../schema/index.ts";

export type ProjectState = (typeof PROJECT_STATES)[number];
export type ProjectRow = typeof projects.$inferSelect;
export type DomainRow = typeof domains.$inferSelect;

/** False when the project exists already, which then stays as it is. */
export async function insertProject(
  db: Db,
  project: Pick<ProjectRow, "id" | "name" | "description" | "labels">,
): Promise<boolean> {
  const inserted = await db.insert(projects).values(project).onConflictDoNothing().returning({ id: projects.id });
  return inserted.length > 0;
}

export async function findProject(db: Db, id: string): Promise<ProjectRow | undefined> {
  const [row] = await db.select().from(projects).where(eq(projects.id, id));
  return row;
}

/** Changes the given columns; false when there is no such project. */
export async function updateProject(
  db: Db,
  id: string,
  changes: Partial<Pick<ProjectRow, "name" | "description" | "labels" | "state">>,
): Promise<boolean> {
  const updated = await db
    .update(projects)
    .set({ ...changes, updatedAt: sql`now()` })
    .where(eq(projects.id, id))
    .returning({ id: projects.id });
  return updated.length > 0;
}

const PROJECT_FIELDS = {
  id: projects.id,
  name: projects.name,
  description: projects.description,
  state: projects.state,
  createdAt: projects.createdAt,
  updatedAt: projects.updatedAt,
} satisfies ListFields<string>;
export type ProjectField = keyof typeof PROJECT_FIELDS;

/** Without a sort: by id. */
export async function listProjects(db: Db, query: ListQuery<ProjectField>): Promise<ProjectRow[]> {
  return db
    .select()
    .from(projects)
    .where(whereOf(PROJECT_FIELDS, query.where))
    .orderBy(...orderOf(PROJECT_FIELDS, query.sort, [projects.id]))
    .limit(query.limit)
    .offset(query.offset);
}

/** In the order of their ids. */
export const listDomains = (db: Db): Promise<DomainRow[]> => db.select().from(domains).orderBy(domains.id);

/** Adds the domains that are missing; those that exist take the given name. */
export async function upsertDomains(db: Db, rows: readonly DomainRow[]): Promise<void> {
  await db
    .insert(domains)
    .values([...rows])
    .onConflictDoUpdate({ target: domains.id, set: { name: sql`excluded.name` } });
}
