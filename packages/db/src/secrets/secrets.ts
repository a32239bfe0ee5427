import { and, asc, desc, eq, inArray, max, ne, type SQL, sql } from "drizzle-orm";
import type { Db } from "../connect.ts";
import { secrets } from "../schema/index.ts";

export type SecretRow = typeof secrets.$inferSelect;

/** Whose secrets: empty project and domain mean everybody's. */
export type SecretScope = Pick<SecretRow, "org" | "project" | "domain">;
/** A secret with all its versions. */
export type SecretName = SecretScope & Pick<SecretRow, "group" | "key">;

/** What may be shown of a secret: never what it holds. */
export type SecretListing = SecretName & Pick<SecretRow, "createdBy" | "createdAt"> & { readonly version: number };

const isNamed = ({ org, project, domain, group, key }: SecretName): SQL | undefined =>
  and(
    eq(secrets.org, org),
    eq(secrets.project, project),
    eq(secrets.domain, domain),
    eq(secrets.group, group),
    eq(secrets.key, key),
  );

/** The newest version; 0 when there is none. */
export async function newestSecretVersion(db: Db, name: SecretName): Promise<number> {
  const [row] = await db
    .select({ version: max(secrets.version) })
    .from(secrets)
    .where(isNamed(name));
  return row?.version ?? 0;
}

/** False when somebody else made this version at the same moment. */
export async function insertSecret(db: Db, row: Omit<SecretRow, "createdAt">): Promise<boolean> {
  const inserted = await db.insert(secrets).values(row).onConflictDoNothing().returning({ version: secrets.version });
  return inserted.length > 0;
}

/** How many versions are gone. */
export async function deleteSecret(db: Db, name: SecretName): Promise<number> {
  const deleted = await db.delete(secrets).where(isNamed(name)).returning({ version: secrets.version });
  return deleted.length;
}

/** From narrow to wide: a project's domain, the project, the domain, everybody's. */
const NARROWEST_FIRST = [desc(sql`(${secrets.project} <> '')`), desc(sql`(${secrets.domain} <> '')`)];

/**
 * The secret that a task of this project and domain gets: of the narrowest scope that has it, the newest version or the
 * wanted one.
 */
export async function findSecret(
  db: Db,
  name: SecretName,
  version: number | undefined,
): Promise<SecretRow | undefined> {
  const [row] = await db
    .select()
    .from(secrets)
    .where(
      and(
        eq(secrets.org, name.org),
        inArray(secrets.project, ["", name.project]),
        inArray(secrets.domain, ["", name.domain]),
        eq(secrets.group, name.group),
        eq(secrets.key, name.key),
        ...(version === undefined ? [] : [eq(secrets.version, version)]),
      ),
    )
    .orderBy(...NARROWEST_FIRST, desc(secrets.version))
    .limit(1);
  return row;
}

/** The newest version of each secret, by scope and name. Project or domain left out: those of any. */
export async function listSecrets(
  db: Db,
  scope: { readonly org: string; readonly project?: string | undefined; readonly domain?: string | undefined },
  page: { readonly limit: number; readonly offset: number },
): Promise<SecretListing[]> {
  const { org, project, domain, group, key, version, createdBy, createdAt } = secrets;
  const name = [secrets.project, secrets.domain, secrets.group, secrets.key] as const;
  return db
    .selectDistinctOn([...name], { org, project, domain, group, key, version, createdBy, createdAt })
    .from(secrets)
    .where(
      and(
        eq(secrets.org, scope.org),
        ...(scope.project === undefined ? [] : [inArray(secrets.project, ["", scope.project])]),
        ...(scope.domain === undefined ? [] : [inArray(secrets.domain, ["", scope.domain])]),
      ),
    )
    .orderBy(...name.map((column) => asc(column)), desc(secrets.version))
    .limit(page.limit)
    .offset(page.offset);
}

/** Versions whose data key is under another master key than this one. */
export async function listSecretsToRotate(
  db: Db,
  keyId: string,
  page: { readonly limit: number; readonly offset: number },
): Promise<SecretRow[]> {
  const { org, project, domain, group, key, version } = secrets;
  return db
    .select()
    .from(secrets)
    .where(ne(secrets.keyId, keyId))
    .orderBy(org, project, domain, group, key, version)
    .limit(page.limit)
    .offset(page.offset);
}

export async function countSecretsToRotate(db: Db, keyId: string): Promise<number> {
  return db.$count(secrets, ne(secrets.keyId, keyId));
}

/** Puts the data key under another master key, unless somebody else did or the version is gone. */
export async function replaceDataKey(
  db: Db,
  row: SecretRow,
  sealed: Pick<SecretRow, "keyId" | "dataKey">,
): Promise<void> {
  await db
    .update(secrets)
    .set(sealed)
    .where(and(isNamed(row), eq(secrets.version, row.version), eq(secrets.keyId, row.keyId)));
}
