import type { AskedResources, AttemptId } from "@skein/contracts";
import { type OrderedTask, readOrderedTasks } from "@skein/db";
import {
  askedResources,
  grownResources,
  growthsOf,
  type MemoryGrowth,
  type Program,
  parseMemoryGrowth,
  type TaskMemory,
  taskMemory,
} from "@skein/engine";
import type { TaskTemplate } from "@skein/idl/core";
import { askedWithin, type TaskResources } from "@skein/launch";
import type { Pool } from "./database.ts";
import type { CachedRun, RunCache } from "./run-cache.ts";
import type { FindTaskResources } from "./task-resources.ts";

/** What the containers of attempts ask for, in the order of the ids; null for nothing. */
export type FindAsked = (ids: readonly AttemptId[]) => Promise<(AskedResources | null)[]>;

/** What the current attempt of an action in memory asks for, within what was set when its run was taken up, or now. */
export function askedBy(
  { state: { actions, limits }, taskResources }: CachedRun,
  ordinal: number,
  bounds: TaskResources = taskResources,
): AskedResources | null {
  const action = actions.get(ordinal);
  const target = action?.node.target;
  if (!action || target?.kind !== "task") return null;
  const wishes = { asks: target.asks, template: target.task.template };
  return askedNow(wishes, bounds, limits.memoryGrowth ?? target.memory?.growth ?? null, growthsOf(action));
}

/** What a container weighs that its project's policy bounds, before and after its memory has grown. */
function askedNow(
  { asks, template }: Pick<Wishes, "asks" | "template">,
  bounds: TaskResources,
  growth: MemoryGrowth | null,
  times: number,
): AskedResources | null {
  const asked = askedWithin(asks ?? null, template, bounds);
  return asked && askedWithin(grownResources(asked, growth, times), template, bounds);
}

/**
 * Looks at the runs in memory, and for others at their registered workflows. What a task of such a run wrote itself is not
 * looked into: its steps count as asking for nothing, and run where there is a slot.
 */
export function findAskedResources(
  pool: Pool,
  cache: Pick<RunCache, "peek" | "programs">,
  findTaskResources: FindTaskResources,
): FindAsked {
  return async (ids) => {
    const asked = new Map<AttemptId, AskedResources | null>();
    for (const id of ids) {
      const run = cache.peek(id.runId);
      if (!run?.state.actions.has(id.ordinal)) continue;
      asked.set(id, askedBy(run, id.ordinal, await findTaskResources({ ...run, workflowKey: run.program.root.key })));
    }
    const missing = ids.filter((id) => !asked.has(id));
    if (missing.length > 0) {
      const tasks = new Map((await readOrderedTasks(pool, missing)).map((row) => [`${row.runId}.${row.ordinal}`, row]));
      const programs = await cache.programs(Array.from(tasks.values(), ({ workflowId }) => workflowId));
      for (const id of missing) {
        const task = tasks.get(`${id.runId}.${id.ordinal}`);
        const program = task && programs.get(task.workflowId);
        if (!program) continue;
        const bounds = await findTaskResources({ ...task, workflowKey: program.root.key });
        asked.set(id, askedIn(program, task, bounds));
      }
    }
    return ids.map((id) => asked.get(id) ?? null);
  };
}

/** A node's own wish counts before its task's; nodes of the same name in two sub-workflows are not told apart. */
function askedIn(program: Program, row: OrderedTask, bounds: TaskResources): AskedResources | null {
  const wishes = wishesIn(program, row);
  const growth = parseMemoryGrowth(row.memoryGrowth) ?? wishes?.memory?.growth ?? null;
  return wishes ? askedNow(wishes, bounds, growth, growthsOf(row)) : null;
}

interface Wishes {
  readonly template: TaskTemplate;
  readonly asks?: AskedResources | undefined;
  readonly memory?: TaskMemory | undefined;
}

function wishesIn(program: Program, { taskKey, specNodeId }: OrderedTask): Wishes | undefined {
  for (const graph of program.graphs.values()) {
    const target = graph.nodes[graph.indexOf.get(specNodeId) ?? -1]?.target;
    if (target?.kind === "task" && target.task.key === taskKey) {
      return { template: target.task.template, asks: target.asks, memory: target.memory };
    }
  }
  const template = program.tasks.get(taskKey)?.template;
  return template && { template, asks: askedResources(template, undefined), memory: taskMemory(template, undefined) };
}
