import type { AttemptId } from "@skein/contracts";
import { type ClaimedAttempt, type OpenDb, type PathStep, readCompiledWorkflow, readExpansion } from "@skein/db";
import { invariant } from "@skein/errors";
import type { Node, TaskTemplate } from "@skein/idl/core";
import type { Storage } from "@skein/storage";
import { lruCache } from "../registry/lru-cache.ts";
import { findPlace, type Place, readWorkflowIndex, taskTemplateOf, type WorkflowIndex } from "./workflow-index.ts";

/** What an attempt runs, as the graph around its action says. */
export interface LocatedTask {
  readonly template: TaskTemplate;
  readonly node: Node | undefined;
  /** Whether it is interruptible where nobody says more. */
  readonly isInterruptible: boolean;
}

/** Finds the task of a claimed attempt. `path` leads from the run's graph to its action. */
export type FindTask = (id: AttemptId, claimed: ClaimedAttempt, path: readonly PathStep[]) => Promise<LocatedTask>;

/** Finds where an action stands in the graphs. `path` leads from its run's graph to it. */
export type FindPlace = (
  run: { readonly id: string; readonly workflowId: number },
  path: readonly PathStep[],
) => Promise<Place>;

const CACHED_WORKFLOWS_MAX = 100;

/** Looks into registered workflows, and into those that tasks wrote while they ran. Neither ever changes. */
export function createFindPlace(pool: OpenDb["pool"], storage: Pick<Storage, "get">): FindPlace {
  const cache = lruCache<WorkflowIndex>(CACHED_WORKFLOWS_MAX);

  const indexOf = async (key: string, read: () => Promise<Uint8Array>): Promise<WorkflowIndex> => {
    const cached = cache.get(key);
    if (cached) return cached;
    const index = readWorkflowIndex(await read());
    cache.set(key, index);
    return index;
  };

  const readRegistered = async (workflowId: number): Promise<Uint8Array> => {
    const compiled = await readCompiledWorkflow(pool, workflowId);
    invariant(compiled, `workflow ${workflowId} of a run does not exist`);
    return compiled;
  };

  const readWritten = async (runId: string, ordinal: number): Promise<Uint8Array> => {
    const expansion = await readExpansion(pool, { runId, ordinal });
    invariant(expansion, `action ${ordinal} of run ${runId} has children but no workflow`);
    if (expansion.compiled) return expansion.compiled;
    invariant(expansion.uri !== null, "an expansion is in one place");
    return storage.get(expansion.uri);
  };

  return async ({ id, workflowId }, path) => {
    const root = await indexOf(String(workflowId), () => readRegistered(workflowId));
    return findPlace(root, path, (ordinal) => indexOf(`${id}/${ordinal}`, () => readWritten(id, ordinal)));
  };
}

/** The tasks of claimed attempts, as the graphs around them say. */
export function createFindTask(pool: OpenDb["pool"], storage: Pick<Storage, "get">): FindTask {
  const find = createFindPlace(pool, storage);
  return async ({ runId }, { workflowId, taskKey, actionName }, path) => {
    invariant(taskKey !== null, `action ${actionName} of run ${runId} has an attempt but no task`);
    const place = await find({ id: runId, workflowId }, path);
    const { node, index } = place;
    return { template: taskTemplateOf(place, taskKey), node, isInterruptible: index.isInterruptible };
  };
}
