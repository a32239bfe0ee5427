import { readWaitingErrands } from "@skein/db";
import type { Pool } from "../database.ts";
import type { ErrandRunner } from "../errands/errand-runner.ts";
import type { Round } from "./loop.ts";

export interface ErrandsOptions {
  readonly pool: Pool;
  readonly errands: ErrandRunner;
  readonly ownedShards: () => readonly number[];
}

/** A commit hands its errands over at once; what is older than this was left by a crash. */
const LEFT_MS = 2_000;
const BATCH = 1_000;

/** Takes up errands that a crash left. */
export const errandsRound =
  ({ pool, errands, ownedShards }: ErrandsOptions): Round =>
  async () => {
    const shards = ownedShards();
    if (shards.length === 0) return false;
    const left = await readWaitingErrands(pool, shards, LEFT_MS, errands.inHand, BATCH);
    errands.ask(left);
    return left.length === BATCH;
  };
