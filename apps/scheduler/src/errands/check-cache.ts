import {
  type CachedOutputs,
  findCachedOutputs,
  releaseReservation,
  takeReservations,
  type WantedReservation,
} from "@skein/db";
import { type CacheAddress, type CacheStatus, literalFits } from "@skein/engine";
import { fromBytes } from "@skein/idl";
import { type LiteralMap, LiteralMapSchema } from "@skein/idl/core";
import { isOutage } from "../outage.ts";
import { type ActionKey, CacheKeys } from "./check-cache-keys.ts";
import type { CarryOut, Errand, ErrandOutcome, ErrandTools } from "./errand.ts";

/** How often the heartbeat of a reservation comes; three missed ones void it. */
const HEARTBEAT_SECONDS = 10;
/** Who waits for another's computation is woken when that ends well here; this is for all other ends. */
const RETRY_MS = 300;

/** An errand with the key of its action. */
interface Lookup extends ActionKey {
  readonly errand: Errand;
}

/** Wakes those that wait for an address. */
export const wakeKeyOf = ({ project, domain, datasetName, datasetVersion, tag }: CacheAddress): string =>
  [project, domain, datasetName, datasetVersion, tag].join("/");

/**
 * Looks up what the cache holds for cached tasks. Where it holds nothing they are told to compute it; of those whose
 * cache is serialized only the one that holds the reservation is told so, the others wait for it. A run that overwrites
 * the cache looks nothing up, but takes its turn.
 */
export function checkCache(tools: ErrandTools): CarryOut {
  const keys = new CacheKeys(tools);
  return async (errands) => {
    const found = await keys.of(errands);
    const lookups = errands.flatMap((errand): Lookup[] => {
      const key = found.get(errand.id);
      return key ? [{ ...key, errand }] : [];
    });
    const outcomes = await outcomesOf(tools, lookups);
    for (const { errand } of lookups) if (outcomes.get(errand.id)?.type === "told") keys.forget(errand);
    return errands.map((errand) => outcomes.get(errand.id) ?? told(errand, null, "lookup_failure"));
  };
}

type Outcomes = ReadonlyMap<number, ErrandOutcome>;

async function outcomesOf(tools: ErrandTools, lookups: readonly Lookup[]): Promise<Outcomes> {
  const outcomes = new Map<number, ErrandOutcome>();
  const tell = ({ errand, key }: Lookup, status: Told, hit?: CachedOutputs) =>
    outcomes.set(errand.id, told(errand, key, status, hit));

  const hits = await findHits(
    tools,
    lookups.filter(({ errand }) => !errand.run.overwriteCache),
  );
  const serialized: Lookup[] = [];
  for (const lookup of lookups) {
    const hit = hits.get(lookup);
    if (hit) tell(lookup, "hit", hit);
    else if (lookup.errand.action.node.cache?.isSerialized) serialized.push(lookup);
    else tell(lookup, missOf(lookup));
  }
  const owners = await takeTurns(tools, serialized);
  // Whoever held the reservation before may have filled the cache after the first look.
  const late = await findHits(
    tools,
    owners.filter(({ errand }) => !errand.run.overwriteCache),
  );
  for (const lookup of owners) {
    const hit = late.get(lookup);
    if (hit) await releaseReservation(tools.pool, lookup.address, ownerIdOf(lookup.errand));
    tell(lookup, hit ? "hit" : missOf(lookup), hit);
  }
  for (const { errand, address } of serialized) {
    if (outcomes.has(errand.id)) continue;
    outcomes.set(errand.id, { type: "waiting", retryAfterMs: RETRY_MS, wakeKey: wakeKeyOf(address) });
  }
  return outcomes;
}

type Told = Extract<CacheStatus, "hit" | "miss" | "skipped" | "lookup_failure">;

const missOf = ({ errand }: Lookup): Told => (errand.run.overwriteCache ? "skipped" : "miss");

function told({ ordinal }: Errand, key: string | null, status: Told, hit?: CachedOutputs): ErrandOutcome {
  const event = { type: "cacheChecked", ordinal, atMs: Date.now(), status, key } as const;
  if (!hit) return { type: "told", event };
  const { data, uri, sizeBytes, entryId } = hit;
  return { type: "told", event, outputs: { data, uri, sizeBytes }, cacheEntryId: entryId };
}

/** What the cache holds for the lookups and what can be used; actions that want the same share one answer. */
async function findHits(tools: ErrandTools, lookups: readonly Lookup[]): Promise<Map<Lookup, CachedOutputs>> {
  const groups = [...Map.groupBy(lookups, ({ address }) => wakeKeyOf(address)).values()];
  if (groups.length === 0) return new Map();
  const addresses = groups.flatMap(([first]) => (first ? [first.address] : []));
  const found = await findCachedOutputs(tools.pool, addresses);
  const usable = await Promise.all(
    groups.map(async ([first], index) => {
      const outputs = found[index];
      return first && outputs && (await isUsable(tools, first, outputs)) ? outputs : undefined;
    }),
  );
  return new Map(
    groups.flatMap((group, index) => {
      const outputs = usable[index];
      return outputs ? group.map((lookup) => [lookup, outputs] as const) : [];
    }),
  );
}

/** An object that somebody deleted is as good as never cached, and so are outputs of a client that the task never makes. */
async function isUsable(
  { storage, logger }: ErrandTools,
  { errand }: Lookup,
  outputs: CachedOutputs,
): Promise<boolean> {
  const { data, uri, isOurs } = outputs;
  try {
    if (isOurs) return uri === null || (await storage.head(uri)) !== undefined;
    const bytes = data ?? (uri === null ? undefined : await storage.get(uri));
    return bytes !== undefined && fits(errand, fromBytes(LiteralMapSchema, bytes));
  } catch (error) {
    if (isOutage(error)) throw error;
    logger.warn({ err: error, entryId: outputs.entryId }, "a cache entry cannot be read and counts as a miss");
    return false;
  }
}

function fits({ action }: Errand, { literals }: LiteralMap): boolean {
  const { target } = action.node;
  const variables = (target.kind === "task" ? target.task.template.interface?.outputs?.variables : undefined) ?? {};
  const names = Object.keys(variables);
  if (names.length !== Object.keys(literals).length) return false;
  return names.every((name) => {
    const [literal, type] = [literals[name], variables[name]?.type];
    return literal !== undefined && type !== undefined && literalFits(literal, type);
  });
}

/** The lookups whose action holds the reservation of its address now, at most one an address. */
async function takeTurns({ pool }: ErrandTools, lookups: readonly Lookup[]): Promise<Lookup[]> {
  const groups = [...Map.groupBy(lookups, ({ address }) => wakeKeyOf(address)).values()];
  const wanted = groups.flatMap(([first]) => (first ? [wantedBy(first)] : []));
  if (wanted.length === 0) return [];
  const held = await takeReservations(pool, wanted);
  // One asks for all, but another of them may have held it before: from a batch that a crash cut off.
  return groups.flatMap((group, index) => group.filter(({ errand }) => held[index]?.ownerId === ownerIdOf(errand)));
}

const wantedBy = ({ errand, address }: Lookup): WantedReservation => ({
  ...address,
  ownerId: ownerIdOf(errand),
  action: { runId: errand.run.runId, ordinal: errand.ordinal },
  heartbeatSeconds: HEARTBEAT_SECONDS,
});

const ownerIdOf = ({ run, ordinal }: Errand): string => `${run.runId}/${ordinal}`;
