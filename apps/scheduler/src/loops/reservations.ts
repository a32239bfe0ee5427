import { beatReservations, deleteExpiredReservations } from "@skein/db";
import type { Pool } from "../database.ts";
import type { Round } from "./loop.ts";

export interface ReservationsOptions {
  readonly pool: Pool;
  readonly ownedShards: () => readonly number[];
}

/** The heartbeat of all actions here that compute what others wait for, one statement for all of them. */
export const reservationsRound =
  ({ pool, ownedShards }: ReservationsOptions): Round =>
  async () => {
    const shards = ownedShards();
    if (shards.length > 0) await beatReservations(pool, shards);
    await deleteExpiredReservations(pool);
    return false;
  };
