import { and, eq, getTableColumns, ne, type SQL, sql } from "drizzle-orm";
import type { Db } from "../connect.ts";
import { type ListQuery, orderOf } from "../lists/list-query.ts";
import type { NameId, VersionId } from "../registry/identity.ts";
import { actionValues, runInputs, runs, workflows } from "../schema/index.ts";
import { isListed, RUN_FIELDS, type RunField, runsWith } from "./run-fields.ts";

/** A run with the identity of the graph that it runs. */
export type RunRow = typeof runs.$inferSelect & { readonly workflow: VersionId };

const identityOf = (table: typeof workflows) => ({
  project: table.project,
  domain: table.domain,
  name: table.name,
  version: table.version,
});
const RUN = { ...getTableColumns(runs), workflow: identityOf(workflows) };

export async function findRun(db: Db, id: NameId): Promise<RunRow | undefined> {
  const [row] = await db
    .select(RUN)
    .from(runs)
    .innerJoin(workflows, eq(workflows.id, runs.workflowId))
    .where(
      and(eq(runs.project, id.project), eq(runs.domain, id.domain), eq(runs.name, id.name), ne(runs.state, "purged")),
    );
  return row;
}

/** The rows of a page that `page (id)` chooses, in its order. */
export async function readRunPage(db: Db, page: SQL): Promise<RunRow[]> {
  return db
    .select(RUN)
    .from(runs)
    .innerJoin(workflows, eq(workflows.id, runs.workflowId))
    .innerJoin(sql`(select id, row_number() over () as position from (${page}) chosen) page`, sql`page.id = ${runs.id}`)
    .orderBy(sql`page.position`);
}

/**
 * Without a sort: oldest first. The order (created_at, id) is what `runs_newest_idx` gives, forwards or backwards; only what
 * a page holds is read whole.
 */
export async function listRuns(db: Db, query: ListQuery<RunField>): Promise<RunRow[]> {
  const tieBreak = query.sort === undefined ? [runs.createdAt, runs.id] : [runs.id];
  const order = sql.join(orderOf(RUN_FIELDS, query.sort, tieBreak), sql`, `);
  const page = sql`select ${runs.id} from ${runsWith(query)} where ${isListed(query.where)}
    order by ${order} limit ${query.limit} offset ${query.offset}`;
  return readRunPage(db, page);
}

/** The name of the run that another one repeats. */
export async function findRunName(db: Db, id: string): Promise<NameId | undefined> {
  const [row] = await db
    .select({ project: runs.project, domain: runs.domain, name: runs.name })
    .from(runs)
    .where(eq(runs.id, id));
  return row;
}

export type ValueSide = "inputs" | "outputs";
export type ValueRow = typeof actionValues.$inferSelect;

/** Both values of an action, as far as they exist. */
export async function findValues(db: Db, runId: string, ordinal: number): Promise<ValueRow[]> {
  return db
    .select()
    .from(actionValues)
    .where(and(eq(actionValues.runId, runId), eq(actionValues.ordinal, ordinal)));
}

export async function findValue(
  db: Db,
  runId: string,
  ordinal: number,
  side: ValueSide,
): Promise<ValueRow | undefined> {
  const [row] = await db
    .select()
    .from(actionValues)
    .where(and(eq(actionValues.runId, runId), eq(actionValues.ordinal, ordinal), eq(actionValues.side, side)));
  return row;
}

/** What the user gave at launch. */
export async function findRunInputs(db: Db, runId: string): Promise<typeof runInputs.$inferSelect | undefined> {
  const [row] = await db.select().from(runInputs).where(eq(runInputs.runId, runId));
  return row;
}
