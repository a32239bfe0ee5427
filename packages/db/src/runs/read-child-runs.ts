import { sql } from "drizzle-orm";
import type { Db } from "../connect.ts";
import type { NameId } from "../registry/identity.ts";

/**
 * The newest run that each of the given actions started. For an action that was taken over from a recovered run it is the
 * one that was started there.
 */
export async function findChildRuns(
  db: Db,
  runId: string,
  ordinals: readonly number[],
): Promise<ReadonlyMap<number, NameId>> {
  if (ordinals.length === 0) return new Map();
  const { rows } = await db.execute<{ asked: number } & Record<keyof NameId, string>>(sql`
    with recursive place as (
      select ordinal as asked, run_id, ordinal, is_recovered, reference_ordinal, 0 as depth from actions
      where run_id = ${runId}::uuid and ordinal = any(${sql.param([...ordinals])}::int[])
      union all
      select p.asked, a.run_id, a.ordinal, a.is_recovered, a.reference_ordinal, p.depth + 1
      from place p
      join runs r on r.id = p.run_id
      join actions a on a.run_id = r.reference_run_id and a.ordinal = p.reference_ordinal
      where p.is_recovered
    )
    select distinct on (asked) asked, c.project, c.domain, c.name
    from place join runs c on c.parent_run_id = place.run_id and c.parent_ordinal = place.ordinal
    order by asked, depth, c.parent_attempt desc`);
  return new Map(rows.map(({ asked, ...name }) => [asked, name]));
}
