import { sql } from "drizzle-orm";
import type { Db } from "./connect.ts";

/** This month's and next month's partition always exist when the operation runs at least once a month. */
const MONTHS_AHEAD = 1;

/**
 * Makes the partitions of `event_history` for this and the next month (UTC), where they are missing. Rows that
 * already fell into the default partition move along. Safe to call from several processes at once, at any time.
 */
export async function ensureHistoryPartitions(db: Pick<Db, "execute">): Promise<void> {
  for (let ahead = 0; ahead <= MONTHS_AHEAD; ahead++) {
    await db.execute(
      sql`select ensure_event_history_partition((now() at time zone 'utc' + make_interval(months => ${ahead}))::date)`,
    );
  }
}
