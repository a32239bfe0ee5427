import type { AskedResources, AttemptId } from "@skein/contracts";
import { type OrderedTask, readOrderedTasks } from "@skein/db";
import {
  askedResources,
  grownResources,
  growthsOf,
  type Program,
  parseMemoryGrowth,
  type RunState,
  type TaskMemory,
  taskMemory,
} from "@skein/engine";
import type { Pool } from "./database.ts";
import type { RunCache } from "./run-cache.ts";

/** What the containers of attempts ask for, in the order of the ids; null for nothing. */
export type FindAsked = (ids: readonly AttemptId[]) => Promise<(AskedResources | null)[]>;

/** What the current attempt of an action in memory asks for. */
export function askedBy({ actions, limits }: RunState, ordinal: number): AskedResources | null {
  const action = actions.get(ordinal);
  const target = action?.node.target;
  if (!action || target?.kind !== "task" || !target.asks) return null;
  return grownResources(target.asks, limits.memoryGrowth ?? target.memory?.growth ?? null, growthsOf(action));
}

/**
 * Looks at the runs in memory, and for others at their registered workflows. What a task of such a run wrote itself is not
 * looked into: its steps count as asking for nothing, and run where there is a slot.
 */
export function findAskedResources(pool: Pool, cache: Pick<RunCache, "peek" | "programs">): FindAsked {
  return async (ids) => {
    const asked = new Map<AttemptId, AskedResources | null>();
    for (const id of ids) {
      const run = cache.peek(id.runId);
      if (run?.state.actions.has(id.ordinal)) asked.set(id, askedBy(run.state, id.ordinal));
    }
    const missing = ids.filter((id) => !asked.has(id));
    if (missing.length > 0) {
      const tasks = new Map((await readOrderedTasks(pool, missing)).map((row) => [`${row.runId}.${row.ordinal}`, row]));
      const programs = await cache.programs(Array.from(tasks.values(), ({ workflowId }) => workflowId));
      for (const id of missing) {
        const task = tasks.get(`${id.runId}.${id.ordinal}`);
        const program = task && programs.get(task.workflowId);
        if (program) asked.set(id, askedIn(program, task));
      }
    }
    return ids.map((id) => asked.get(id) ?? null);
  };
}

/** A node's own wish counts before its task's; nodes of the same name in two sub-workflows are not told apart. */
function askedIn(program: Program, row: OrderedTask): AskedResources | null {
  const { asks, memory } = wishesIn(program, row);
  const growth = parseMemoryGrowth(row.memoryGrowth) ?? memory?.growth ?? null;
  return asks ? grownResources(asks, growth, growthsOf(row)) : null;
}

interface Wishes {
  readonly asks?: AskedResources | undefined;
  readonly memory?: TaskMemory | undefined;
}

function wishesIn(program: Program, { taskKey, specNodeId }: OrderedTask): Wishes {
  for (const graph of program.graphs.values()) {
    const target = graph.nodes[graph.indexOf.get(specNodeId) ?? -1]?.target;
    if (target?.kind === "task" && target.task.key === taskKey) return target;
  }
  const template = program.tasks.get(taskKey)?.template;
  return template ? { asks: askedResources(template, undefined), memory: taskMemory(template, undefined) } : {};
}
