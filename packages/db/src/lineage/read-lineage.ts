import { and, asc, desc, eq, getTableColumns, or, type SQL, sql } from "drizzle-orm";
import type { Db } from "../connect.ts";
import { actions, artifactLinks, cacheEntries, runs } from "../schema/index.ts";

/** A project's domain: what a caller may read or not. */
export interface LineageTenant {
  readonly project: string;
  readonly domain: string;
}

/** An action that made or used something, by the names that clients know. */
const ACTION = {
  project: runs.project,
  domain: runs.domain,
  run: runs.name,
  action: actions.name,
  taskKey: actions.taskKey,
  phase: actions.phase,
  endedAt: actions.endedAt,
};

export type LineageAction = LineageTenant &
  Pick<typeof actions.$inferSelect, "taskKey" | "phase" | "endedAt"> & {
    readonly run: string;
    readonly action: string;
  };

export type ArtifactUse = LineageAction & Pick<typeof artifactLinks.$inferSelect, "side" | "variable" | "uri">;

const USE = { ...ACTION, side: artifactLinks.side, variable: artifactLinks.variable, uri: artifactLinks.uri };

/** An URI is compared too: hashes of what clients choose can be made to collide. */
const isUri = (uri: string): SQL | undefined =>
  and(sql`${artifactLinks.uriHash} = md5(${uri}::text)::uuid`, eq(artifactLinks.uri, uri));

const isIn = (tenants: readonly LineageTenant[]): SQL =>
  or(...tenants.map(({ project, domain }) => and(eq(runs.project, project), eq(runs.domain, domain)))) ?? sql`false`;

/** Whose runs made or used an object. */
export async function findArtifactTenants(db: Db, uri: string): Promise<LineageTenant[]> {
  return db
    .selectDistinct({ project: runs.project, domain: runs.domain })
    .from(artifactLinks)
    .innerJoin(runs, eq(runs.id, artifactLinks.runId))
    .where(isUri(uri));
}

/** Outputs that were taken from the cache, from a recovered run or from a task's own workflow were made elsewhere. */
const IS_MAKER = and(
  eq(artifactLinks.side, "outputs"),
  sql`not (${actions.isExpanded} or ${actions.isRecovered} or ${actions.cacheStatus} = 'hit')`,
);

/** The actions of the given tenants that made or used an object: the first ones that made it, the last ones that used it. */
export async function listArtifactUses(
  db: Db,
  uri: string,
  side: ArtifactUse["side"],
  tenants: readonly LineageTenant[],
  limit: number,
): Promise<ArtifactUse[]> {
  const isMade = side === "outputs";
  return db
    .select(USE)
    .from(artifactLinks)
    .innerJoin(actions, and(eq(actions.runId, artifactLinks.runId), eq(actions.ordinal, artifactLinks.ordinal)))
    .innerJoin(runs, eq(runs.id, artifactLinks.runId))
    .where(and(isUri(uri), isMade ? IS_MAKER : eq(artifactLinks.side, "inputs"), isIn(tenants)))
    .orderBy(isMade ? asc(actions.createdAt) : desc(actions.createdAt), artifactLinks.runId, artifactLinks.ordinal)
    .limit(limit);
}

/** The objects that a run's actions made and used, in the order of the actions. */
export async function listArtifactsOfRun(
  db: Db,
  runId: string,
  page: { readonly limit: number; readonly offset: number },
): Promise<ArtifactUse[]> {
  return db
    .select(USE)
    .from(artifactLinks)
    .innerJoin(actions, and(eq(actions.runId, artifactLinks.runId), eq(actions.ordinal, artifactLinks.ordinal)))
    .innerJoin(runs, eq(runs.id, artifactLinks.runId))
    .where(eq(artifactLinks.runId, runId))
    .orderBy(artifactLinks.ordinal, artifactLinks.side, artifactLinks.variable, artifactLinks.uri)
    .limit(page.limit)
    .offset(page.offset);
}

export type CacheEntryRow = typeof cacheEntries.$inferSelect;

export async function findCacheEntry(db: Db, id: string): Promise<CacheEntryRow | undefined> {
  const [row] = await db.select(getTableColumns(cacheEntries)).from(cacheEntries).where(eq(cacheEntries.id, id));
  return row;
}

/** The action whose outputs a cache entry holds, while its run is kept. */
export async function findCacheSource(db: Db, entry: CacheEntryRow): Promise<LineageAction | undefined> {
  if (entry.sourceRunId === null || entry.sourceOrdinal === null) return undefined;
  const [row] = await db
    .select(ACTION)
    .from(actions)
    .innerJoin(runs, eq(runs.id, actions.runId))
    .where(and(eq(actions.runId, entry.sourceRunId), eq(actions.ordinal, entry.sourceOrdinal)));
  return row;
}

/** Whose actions took their outputs from a cache entry. */
export async function findCacheTenants(db: Db, entryId: string): Promise<LineageTenant[]> {
  return db.selectDistinct({ project: actions.project, domain: actions.domain }).from(actions).where(isHitOf(entryId));
}

/** The actions of the given tenants that took their outputs from a cache entry, the last ones first. */
export async function listCacheUses(
  db: Db,
  entryId: string,
  tenants: readonly LineageTenant[],
  limit: number,
): Promise<LineageAction[]> {
  return db
    .select(ACTION)
    .from(actions)
    .innerJoin(runs, eq(runs.id, actions.runId))
    .where(and(isHitOf(entryId), isIn(tenants)))
    .orderBy(desc(actions.createdAt), actions.runId, actions.ordinal)
    .limit(limit);
}

const isHitOf = (entryId: string): SQL | undefined =>
  and(eq(actions.cacheEntryId, entryId), eq(actions.cacheStatus, "hit"));
