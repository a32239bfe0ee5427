import { and, eq } from "drizzle-orm";
import type { Db } from "../connect.ts";
import { type ListFields, type ListQuery, orderOf, whereOf } from "../lists/list-query.ts";
import { tasks } from "../schema/index.ts";
import type { VersionId } from "./identity.ts";
import { insertName, type NamedEntityState } from "./named-entities.ts";

export type TaskRow = typeof tasks.$inferSelect;

/** What a caller decides about a new version of a task. */
export type NewTask = VersionId &
  Pick<TaskRow, "type" | "digest" | "shortDescription" | "spec" | "closure" | "createdAt">;

/** Stores a version and its name; false when that version exists already, which then stays as it is. */
export async function insertTask(db: Db, task: NewTask): Promise<boolean> {
  return db.transaction(async (tx) => {
    const inserted = await tx
      .insert(tasks)
      .values({ ...task, updatedAt: task.createdAt })
      .onConflictDoNothing({ target: [tasks.project, tasks.domain, tasks.name, tasks.version] })
      .returning({ id: tasks.id });
    if (inserted.length === 0) return false;
    await insertName(tx, "task", task, "active" satisfies NamedEntityState);
    return true;
  });
}

export async function findTask(db: Db, id: VersionId): Promise<TaskRow | undefined> {
  const [row] = await db
    .select()
    .from(tasks)
    .where(
      and(
        eq(tasks.project, id.project),
        eq(tasks.domain, id.domain),
        eq(tasks.name, id.name),
        eq(tasks.version, id.version),
      ),
    );
  return row;
}

const TASK_FIELDS = {
  id: tasks.id,
  project: tasks.project,
  domain: tasks.domain,
  name: tasks.name,
  version: tasks.version,
  type: tasks.type,
  shortDescription: tasks.shortDescription,
  createdAt: tasks.createdAt,
  updatedAt: tasks.updatedAt,
} satisfies ListFields<string>;
export type TaskField = keyof typeof TASK_FIELDS;

export async function listTasks(db: Db, query: ListQuery<TaskField>): Promise<TaskRow[]> {
  return db
    .select()
    .from(tasks)
    .where(whereOf(TASK_FIELDS, query.where))
    .orderBy(...orderOf(TASK_FIELDS, query.sort, [tasks.id]))
    .limit(query.limit)
    .offset(query.offset);
}
