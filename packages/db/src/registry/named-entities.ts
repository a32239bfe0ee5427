import { and, eq, sql } from "drizzle-orm";
import type { Db, Tx } from "../connect.ts";
import { type ListFields, type ListQuery, orderOf, whereOf } from "../lists/list-query.ts";
import { type NAMED_ENTITY_STATES, namedEntities } from "../schema/index.ts";
import type { NameId, ResourceKind } from "./identity.ts";

export type NamedEntityState = (typeof NAMED_ENTITY_STATES)[number];
export type NamedEntityRow = typeof namedEntities.$inferSelect;

/** Records a name with its first version; a name that exists keeps its description and state. */
export async function insertName(tx: Tx, resourceType: ResourceKind, id: NameId, state: NamedEntityState) {
  await tx
    .insert(namedEntities)
    .values({ resourceType, project: id.project, domain: id.domain, name: id.name, state })
    .onConflictDoNothing();
}

/** Until the transaction ends, nobody else gets this lock. */
export async function lockName(tx: Tx, resourceType: ResourceKind, id: NameId): Promise<void> {
  await tx.select({ name: namedEntities.name }).from(namedEntities).where(isName(resourceType, id)).for("update");
}

export async function findNamedEntity(
  db: Db,
  resourceType: ResourceKind,
  id: NameId,
): Promise<NamedEntityRow | undefined> {
  const [row] = await db.select().from(namedEntities).where(isName(resourceType, id));
  return row;
}

/** Replaces description and state; false when there is no such name. */
export async function updateNamedEntity(
  db: Db,
  resourceType: ResourceKind,
  id: NameId,
  metadata: Pick<NamedEntityRow, "description" | "state">,
): Promise<boolean> {
  const updated = await db
    .update(namedEntities)
    .set({ ...metadata, updatedAt: sql`now()` })
    .where(isName(resourceType, id))
    .returning({ name: namedEntities.name });
  return updated.length > 0;
}

const NAMED_ENTITY_FIELDS = {
  resourceType: namedEntities.resourceType,
  project: namedEntities.project,
  domain: namedEntities.domain,
  name: namedEntities.name,
  description: namedEntities.description,
  state: namedEntities.state,
  createdAt: namedEntities.createdAt,
  updatedAt: namedEntities.updatedAt,
} satisfies ListFields<string>;
export type NamedEntityField = keyof typeof NAMED_ENTITY_FIELDS;

/** Without a sort: by name, which the primary key serves. */
export async function listNamedEntities(db: Db, query: ListQuery<NamedEntityField>): Promise<NamedEntityRow[]> {
  return db
    .select()
    .from(namedEntities)
    .where(whereOf(NAMED_ENTITY_FIELDS, query.where))
    .orderBy(...orderOf(NAMED_ENTITY_FIELDS, query.sort, [namedEntities.name]))
    .limit(query.limit)
    .offset(query.offset);
}

const isName = (resourceType: ResourceKind, id: NameId) =>
  and(
    eq(namedEntities.resourceType, resourceType),
    eq(namedEntities.project, id.project),
    eq(namedEntities.domain, id.domain),
    eq(namedEntities.name, id.name),
  );
