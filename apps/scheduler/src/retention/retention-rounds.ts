import { whileAlone } from "@skein/db";
import {
  countOpenPurges,
  forgetKeptObjects,
  type KeptObject,
  type OpenPurge,
  readKeptObjects,
  readOpenPurges,
  readRetentionScopes,
  readRunsToPurge,
  recordTry,
  releasePurgedNames,
  requestObjectPurges,
  requestPurge,
} from "@skein/db/retention";
import type { Logger } from "@skein/telemetry";
import type { Pool } from "../database.ts";
import type { Round } from "../loops/loop.ts";
import { deleteReleased, type PurgedStore } from "./delete-objects.ts";
import { type PurgeLimits, purgeStep } from "./purge-run.ts";

export interface RetentionOptions {
  readonly pool: Pool;
  readonly storage: PurgedStore;
  readonly logger: Logger;
  /** How long a run must be over before anything of it goes. */
  readonly settleMs?: number;
  readonly limits?: PurgeLimits;
}

/** Longer than an agent sends the last of a log, and until that is archived. */
const SETTLE_MS = 90_000;
const LIMITS: PurgeLimits = { objects: 1_000, attempts: 100, rows: 5_000 };
const PURGES_PER_ROUND = 20;

/** Carries purges on, a step each: a round is short, and what a crash leaves is found by the next one. */
export function purgesRound(options: RetentionOptions): Round {
  const { pool, storage, logger, settleMs = SETTLE_MS, limits = LIMITS } = options;
  /** Whether it got further. */
  const carryOn = async (purge: OpenPurge): Promise<boolean> => {
    try {
      const isOver = purge.waitsFor === null && (await purgeStep({ pool, storage, limits }, purge));
      if (!isOver) await recordTry(pool, purge.id, purge.waitsFor);
      return purge.waitsFor === null;
    } catch (error) {
      logger.warn({ err: error, purge: purge.id, run: purge.runId }, "a purge failed and will be tried again");
      await recordTry(pool, purge.id, "A step of it failed and is tried again: see the scheduler's log.");
      return false;
    }
  };
  return async () => {
    let isMoreWaiting = false;
    await whileAlone(pool, "skein-purges", async () => {
      const open = await readOpenPurges(pool, settleMs, PURGES_PER_ROUND);
      for (const purge of open) isMoreWaiting = (await carryOn(purge)) || isMoreWaiting;
    });
    return isMoreWaiting;
  };
}

/** So many purges at most wait for their turn: more would only make each wait longer. */
const OPEN_MAX = 2_000;
const PER_SCOPE = 200;
const REQUESTED_BY = "retention";

/** Asks for what projects do not want to keep any longer to be purged, some of each project's domains in a round. */
export function retentionRound({ pool, logger }: Pick<RetentionOptions, "pool" | "logger">): Round {
  return async () => {
    let asked = 0;
    await whileAlone(pool, "skein-retention", async () => {
      if ((await countOpenPurges(pool)) >= OPEN_MAX) return;
      for (const rule of await readRetentionScopes(pool)) {
        if (rule.runDays !== null) {
          for (const { id } of await readRunsToPurge(pool, rule, "run", rule.runDays, PER_SCOPE)) {
            const request = { runId: id, withChildren: false, requestedBy: REQUESTED_BY, isRetention: true };
            if ((await requestPurge(pool, request)).type === "requested") asked += 1;
          }
        }
        if (rule.objectDays !== null) {
          const runs = await readRunsToPurge(pool, rule, "objects", rule.objectDays, PER_SCOPE);
          asked += await requestObjectPurges(
            pool,
            runs.map(({ id }) => id),
            REQUESTED_BY,
          );
        }
      }
    });
    if (asked > 0) logger.info({ purges: asked }, "asked for what projects do not keep to be purged");
    return false;
  };
}

const KEPT_PER_ROUND = 500;
const KEPT_AGE_MS = 3_600_000;
const RECORD_DAYS = 90;

/** Deletes kept objects that nobody points at any more, and then lets go of their runs' names. */
export function releaseRound({ pool, storage, logger }: RetentionOptions, keptAgeMs = KEPT_AGE_MS): Round {
  return async () => {
    let isFull = false;
    await whileAlone(pool, "skein-kept-objects", async () => {
      const kept = await readKeptObjects(pool, keptAgeMs, KEPT_PER_ROUND);
      for (const [runId, ofRun] of Map.groupBy(kept, (one: KeptObject) => one.runId)) {
        const gone = await deleteReleased(pool, storage, runId, ofRun);
        if (gone.length > 0) await forgetKeptObjects(pool, runId, gone);
      }
      const names = await releasePurgedNames(pool, RECORD_DAYS, KEPT_PER_ROUND);
      if (names > 0) logger.info({ names }, "released the names of purged runs");
      isFull = kept.length === KEPT_PER_ROUND;
    });
    return isFull;
  };
}
