import { INSTALL_REDIS, INSTALL_VERSITYGW, requireTool } from "@skein/testing";
import type { SkeinShape } from "./skein.ts";

type Backing = Pick<SkeinShape, "queue" | "storage">;

/** Between them each queue and each store: enough for every day. */
const EVERYDAY: readonly Backing[] = [
  { queue: "postgres", storage: "file" },
  { queue: "redis", storage: "s3" },
];
const REST: readonly Backing[] = [
  { queue: "postgres", storage: "s3" },
  { queue: "redis", storage: "file" },
];

const canRun = ({ queue, storage }: Backing): boolean =>
  (queue === "postgres" || requireTool("redis-server", INSTALL_REDIS) !== undefined) &&
  (storage === "file" || requireTool("versitygw", INSTALL_VERSITYGW) !== undefined);

const isFull = process.env.SKEIN_TEST_FULL === "true";

/** What an end-to-end suite runs on: all four pairs under `npm run test:full`; pairs whose server is missing here are left out. */
export const BACKINGS: readonly Backing[] = [...EVERYDAY, ...(isFull ? REST : [])].filter(canRun);

/** What a long suite runs on: one pair every day, all four under `npm run test:full`. */
export const backingsOfLongSuite = (everyday: Backing): readonly Backing[] =>
  (isFull ? [...EVERYDAY, ...REST] : [everyday]).filter(canRun);
