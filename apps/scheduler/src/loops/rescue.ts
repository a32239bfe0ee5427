import { deleteEndedClaims, readIdleRuns, readLostClaims, takeUnclaimed } from "@skein/db";
import type { Pool } from "../database.ts";
import type { Inbox } from "../inbox.ts";
import type { Publisher } from "../publisher.ts";
import type { WaitingReasons } from "../waiting-reasons.ts";
import type { Round } from "./loop.ts";

export interface RescueOptions {
  readonly pool: Pool;
  readonly inbox: Inbox;
  readonly publisher: Publisher;
  readonly waitingReasons: WaitingReasons;
  readonly ownedShards: () => readonly number[];
}

/** An attempt queued for this long and claimed by nobody may have been lost with the queue. */
const UNCLAIMED_MS = 5_000;
const IDLE_MS = 10_000;
const BATCH = 1_000;

/** Attempts of agents that stopped to renew their lease count as lost; claims on attempts that are over are nobody's. */
export const lostClaimsRound =
  ({ pool, inbox, ownedShards }: RescueOptions): Round =>
  async () => {
    const lost = await readLostClaims(pool, ownedShards(), BATCH);
    for (const { id, agentId } of lost) {
      const { runId, ordinal, attempt } = id;
      const message = `agent ${agentId} stopped answering while it made this attempt`;
      inbox.add(runId, [{ event: { type: "attemptLost", ordinal, attempt, message, atMs: Date.now() } }]);
    }
    return (await deleteEndedClaims(pool, ownedShards(), BATCH)) === BATCH;
  };

/**
 * Publishes again what nobody claimed, and notes why nobody does. A copy that still waits in the queue has the same id and
 * swallows the new one.
 */
export const unclaimedRound =
  ({ pool, publisher, waitingReasons, ownedShards }: RescueOptions): Round =>
  async () => {
    const orders = await takeUnclaimed(pool, ownedShards(), UNCLAIMED_MS, BATCH);
    if (orders.length > 0) await publisher.publish(orders, "again");
    await waitingReasons.explain(orders);
    return orders.length === BATCH;
  };

/** Wakes runs that nothing else would wake (law 5: every terminal parent has terminal children, and every run ends). */
export const idleRunsRound =
  ({ pool, inbox, ownedShards }: RescueOptions): Round =>
  async () => {
    const runIds = await readIdleRuns(pool, ownedShards(), IDLE_MS, BATCH);
    for (const runId of runIds) inbox.add(runId, [{ event: { type: "continued", atMs: Date.now() } }]);
    return false;
  };
