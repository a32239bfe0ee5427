import { CHANGES_CHANNEL, EVENTS_CHANNEL } from "@skein/db";
import { openPolicyBook } from "@skein/launch";
import { Advancer } from "./advance-runs.ts";
import { type FindAsked, findAskedResources } from "./asked-resources.ts";
import { carryOuts } from "./errands/carry-outs.ts";
import { ErrandRunner } from "./errands/errand-runner.ts";
import type { Alarm } from "./loops/timers.ts";
import { Publisher } from "./publisher.ts";
import type { RingResources } from "./ring.ts";
import { RunCache } from "./run-cache.ts";
import type { AdvanceSettings } from "./run-writes.ts";
import { findTaskResources } from "./task-resources.ts";
import { Values } from "./values.ts";

/** What turns facts into rows, and does what must follow at once. */
export interface OpenAdvancer {
  readonly advancer: Advancer;
  readonly cache: RunCache;
  readonly publisher: Publisher;
  readonly errands: ErrandRunner;
  readonly findAsked: FindAsked;
  /** Finishes commits in flight and publishes what they ordered. */
  close(): Promise<void>;
}

/** Watchers are people: a moment's delay saves most of the wake-ups that a run of short tasks would cost. */
const WATCHERS_MS = 20;

/** What the advancer asks of the parts around it. */
export interface Neighbours {
  readonly alarm: Alarm;
  /** Called when orders must wait for room in the queue. */
  readonly onBacklog: () => void;
  /** Called when a run ended. */
  readonly onRunOver: () => void;
  readonly isRuled: AdvanceSettings["isRuled"];
}

export function openAdvancer(
  resources: RingResources,
  { alarm, onBacklog, onRunOver, isRuled }: Neighbours,
): OpenAdvancer {
  const { config, db, pool, queues, storage, notifier, logger, metrics } = resources;
  const shared = { pool, logger, metrics, secretKey: config.secretKey };
  const values = new Values(pool, storage);
  const { taskResourceDefaults: defaults, taskResourceLimits: limits } = config;
  const taskResources = findTaskResources(openPolicyBook(pool), { defaults, limits });
  const cache = new RunCache(pool, storage, taskResources);
  const findAsked = findAskedResources(pool, cache, taskResources);
  const publisher = new Publisher({ ...shared, queues, values, findAsked, onBacklog });
  const onEvents = () => notifier.notify(EVENTS_CHANNEL);
  const errands: ErrandRunner = new ErrandRunner({
    ...shared,
    carryOuts: carryOuts({ pool, db, values, storage, logger, onEvents }),
    tell: (runId, facts) => advancer.inbox.add(runId, facts),
    peek: (runId) => cache.peek(runId),
  });
  let changed: NodeJS.Timeout | undefined;
  const advancer: Advancer = new Advancer({
    ...shared,
    db: pool,
    orm: db,
    pool: config.pool,
    isRuled,
    cache,
    values,
    storage,
    publisher,
    errands,
    onChanged: () => {
      changed ??= setTimeout(() => {
        changed = undefined;
        notifier.notify(CHANGES_CHANNEL);
      }, WATCHERS_MS);
    },
    onEvents,
    onRunOver,
    onTimer: (dueAtMs) => alarm.setAt(dueAtMs),
  });
  return {
    advancer,
    cache,
    publisher,
    errands,
    findAsked,
    close: async () => {
      await errands.close();
      await advancer.close();
      clearTimeout(changed);
      notifier.notify(CHANGES_CHANNEL);
      await publisher.close();
    },
  };
}
