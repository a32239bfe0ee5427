import {
  type ActionPhaseCounts,
  type ActionRow,
  type CacheSource,
  countPhases,
  type Db,
  findCacheSources,
  findChildRuns,
  findExpansion,
  findSpecUris,
  findWorkflowOfRun,
  listMapItems,
  type MapItemRow,
  type NameId,
  readActionPaths,
  readTimings,
} from "@skein/db";
import { invariant } from "@skein/errors";
import { fromBytes } from "@skein/idl";
import { type CompiledWorkflowClosure, CompiledWorkflowClosureSchema, type Node } from "@skein/idl/core";
import type { Storage } from "@skein/storage";
import { createFindPlace } from "../agents/task-lookup.ts";
import type { Call } from "../call.ts";

/** What a task wrote instead of outputs. */
export interface Expansion {
  readonly compiled: CompiledWorkflowClosure;
  /** Where the task left its own words of it. */
  readonly specUri: string;
}

/** What stands in other tables about actions of one run, by ordinal, and about cache entries, by id. */
export interface ActionDetails {
  readonly childRuns: ReadonlyMap<number, NameId>;
  readonly specUris: ReadonlyMap<number, string>;
  readonly cacheSources: ReadonlyMap<string, CacheSource>;
}

export interface MapItems {
  readonly items: readonly MapItemRow[];
  readonly counts: ActionPhaseCounts;
  /** By the item's ordinal. */
  readonly childRuns: ReadonlyMap<number, NameId>;
}

/** Reads what belongs to actions beyond their rows. */
export function actionDetails(db: Db, storage: Storage) {
  const findPlace = createFindPlace(db.$client, storage);
  return {
    /** What the graph says about an action: undefined only if the graph is not the one that ran. */
    async node(_call: Call, { runId, ordinal }: Pick<ActionRow, "runId" | "ordinal">): Promise<Node | undefined> {
      const [workflowId, [path = []]] = await Promise.all([
        findWorkflowOfRun(db, runId),
        readActionPaths(db.$client, [{ runId, ordinal }]),
      ]);
      return (await findPlace({ id: runId, workflowId }, path)).node;
    },

    /** A map's items, the most urgent ones first where there are more than `limit`, and how many are in each phase. */
    async mapItems(_call: Call, { runId, ordinal }: ActionRow, limit: number): Promise<MapItems> {
      const [items, counts] = await Promise.all([
        listMapItems(db, runId, ordinal, limit),
        countPhases(db, runId, ordinal),
      ]);
      const launched = items.filter(({ kind }) => kind === "launch_plan").map((item) => item.ordinal);
      return { items, counts, childRuns: await findChildRuns(db, runId, launched) };
    },

    /** What clients are told of actions of one run beyond their rows. */
    async details(_call: Call, rows: readonly ActionRow[]): Promise<ActionDetails> {
      const runId = rows[0]?.runId;
      if (runId === undefined) return { childRuns: new Map(), specUris: new Map(), cacheSources: new Map() };
      const ordinals = (wanted: (row: ActionRow) => boolean) => rows.filter(wanted).map(({ ordinal }) => ordinal);
      const entryIds = rows.flatMap(({ cacheEntryId }) => cacheEntryId ?? []);
      const [childRuns, specUris, cacheSources] = await Promise.all([
        findChildRuns(
          db,
          runId,
          ordinals(({ kind }) => kind === "launch_plan"),
        ),
        findSpecUris(
          db,
          runId,
          ordinals(({ isExpanded }) => isExpanded),
        ),
        entryIds.length === 0 ? new Map<string, CacheSource>() : findCacheSources(db.$client, entryIds),
      ]);
      return { childRuns, specUris, cacheSources };
    },

    /** When the first `limit` actions of a run and their attempts began and ended, and the runs that they started. */
    async timings(_call: Call, runId: string, limit: number) {
      const timings = await readTimings(db, runId, limit);
      const launched = timings.actions.filter(({ kind }) => kind === "launch_plan").map(({ ordinal }) => ordinal);
      return { ...timings, childRuns: await findChildRuns(db, runId, launched) };
    },

    /** Undefined unless the action's task wrote a workflow. */
    async expansion(_call: Call, action: ActionRow): Promise<Expansion | undefined> {
      const row = action.isExpanded ? await findExpansion(db, action.runId, action.ordinal) : undefined;
      if (!row) return undefined;
      const bytes = row.compiled ?? (row.uri === null ? undefined : await storage.get(row.uri));
      invariant(bytes, "an expansion is in one place");
      return { compiled: fromBytes(CompiledWorkflowClosureSchema, bytes), specUri: row.specUri };
    },
  };
}
