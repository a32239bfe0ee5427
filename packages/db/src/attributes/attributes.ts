import { and, asc, desc, eq, sql } from "drizzle-orm";
import type pg from "pg";
import type { Db } from "../connect.ts";
import { type ATTRIBUTE_TYPES, attributes } from "../schema/index.ts";

export type AttributeType = (typeof ATTRIBUTE_TYPES)[number];

/** What attributes are for: empty parts mean all of them. A workflow stands in a domain, a launch plan in a workflow. */
export interface AttributeScope {
  readonly project: string;
  readonly domain: string;
  readonly workflow: string;
  readonly launchPlan: string;
}

/** Attributes of one type as somebody set them for exactly one scope. */
export interface AttributesRow extends AttributeScope {
  readonly type: AttributeType;
  /** `flyteidl.admin.MatchingAttributes`. */
  readonly attributes: Uint8Array;
}

/** What holds in a project, before its scopes are told apart. */
export interface ProjectAttributes {
  /** `flyteidl.admin.Labels` of the project itself; undefined where it does not exist. */
  readonly labels: Uint8Array | undefined;
  /** From the narrowest scope to the widest. */
  readonly rows: readonly AttributesRow[];
}

const isScope = ({ project, domain, workflow, launchPlan }: AttributeScope, type: AttributeType) =>
  and(
    eq(attributes.project, project),
    eq(attributes.domain, domain),
    eq(attributes.workflow, workflow),
    eq(attributes.launchPlan, launchPlan),
    eq(attributes.type, type),
  );

const NARROWEST_FIRST = [
  desc(sql`(${attributes.launchPlan} <> '')`),
  desc(sql`(${attributes.workflow} <> '')`),
  desc(sql`(${attributes.domain} <> '')`),
];

const COLUMNS = {
  project: attributes.project,
  domain: attributes.domain,
  workflow: attributes.workflow,
  launchPlan: attributes.launchPlan,
  type: attributes.type,
  attributes: attributes.attributes,
};

/**
 * Sets the attributes of a scope. `merge` is given what is there and locked, so that two who add to it at the same moment
 * both count.
 */
export async function putAttributes(
  db: Db,
  row: AttributesRow,
  merge?: (existing: Uint8Array) => Uint8Array,
): Promise<void> {
  await db.transaction(async (tx) => {
    const inserted = await tx.insert(attributes).values(row).onConflictDoNothing().returning({ type: attributes.type });
    if (inserted.length > 0) return;
    const [existing] = merge
      ? await tx.select({ bytes: attributes.attributes }).from(attributes).where(isScope(row, row.type)).for("update")
      : [];
    const bytes = merge && existing ? merge(existing.bytes) : row.attributes;
    await tx.update(attributes).set({ attributes: bytes, updatedAt: sql`now()` }).where(isScope(row, row.type));
  });
}

/** Removes the attributes of exactly this scope; false when there are none. */
export async function deleteAttributes(db: Db, scope: AttributeScope, type: AttributeType): Promise<boolean> {
  const deleted = await db.delete(attributes).where(isScope(scope, type)).returning({ type: attributes.type });
  return deleted.length > 0;
}

/** Those of exactly this scope. */
export async function findAttributes(
  db: Db,
  scope: AttributeScope,
  type: AttributeType,
): Promise<AttributesRow | undefined> {
  const [row] = await db.select(COLUMNS).from(attributes).where(isScope(scope, type));
  return row;
}

/** All of a type, of one project or of all, from the narrowest scope to the widest. */
export async function listAttributes(
  db: Db,
  { project, type }: { readonly project?: string | undefined; readonly type?: AttributeType | undefined },
): Promise<AttributesRow[]> {
  return db
    .select(COLUMNS)
    .from(attributes)
    .where(
      and(
        ...(project === undefined ? [] : [eq(attributes.project, project)]),
        ...(type === undefined ? [] : [eq(attributes.type, type)]),
      ),
    )
    .orderBy(
      ...NARROWEST_FIRST,
      asc(attributes.project),
      asc(attributes.domain),
      asc(attributes.workflow),
      asc(attributes.launchPlan),
      asc(attributes.type),
    );
}

/** A project's labels and all its attributes, in one round trip: what launches and claims go by. */
export async function readProjectAttributes(pool: pg.Pool, project: string): Promise<ProjectAttributes> {
  const { rows } = await pool.query<{ labels: Buffer } & (AttributesRow | { readonly type: null })>({
    name: "read-project-attributes",
    text: `select p.labels, a.project, a.domain, a.workflow, a.launch_plan as "launchPlan", a.type, a.attributes
           from projects p left join attributes a on a.project = p.id
           where p.id = $1
           order by a.launch_plan <> '' desc, a.workflow <> '' desc, a.domain <> '' desc`,
    values: [project],
  });
  return {
    labels: rows[0]?.labels,
    rows: rows.flatMap(({ labels: _labels, ...row }) => (row.type === null ? [] : [row])),
  };
}
