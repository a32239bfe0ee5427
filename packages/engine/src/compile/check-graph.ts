import { END_NODE_ID, START_NODE_ID } from "../system-nodes.ts";
import type { ReportError } from "./compile-error.ts";
import type { Connections } from "./connections.ts";

/** The nodes that no topological order can place, each with one node before it that cannot be placed either. */
function findStuck(ids: readonly string[], connections: Connections): Map<string, string> {
  const waitingFor = new Map<string, number>();
  const add = (id: string, change: 1 | -1): number => {
    const count = (waitingFor.get(id) ?? 0) + change;
    waitingFor.set(id, count);
    return count;
  };
  for (const id of ids) for (const next of connections.dependentsOf(id)) add(next, 1);
  const ready = ids.filter((id) => !waitingFor.has(id));
  for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
    waitingFor.delete(id);
    for (const next of connections.dependentsOf(id)) if (add(next, -1) === 0) ready.push(next);
  }
  const before = new Map<string, string>();
  for (const id of ids) if (waitingFor.has(id)) for (const next of connections.dependentsOf(id)) before.set(next, id);
  return before;
}

function findCycles(before: ReadonlyMap<string, string>): string[][] {
  const walked = new Set<string>();
  const cycles: string[][] = [];
  for (const start of before.keys()) {
    const path: string[] = [];
    let id: string | undefined = start;
    while (id !== undefined && !walked.has(id)) {
      walked.add(id);
      path.push(id);
      id = before.get(id);
    }
    if (id !== undefined && path.includes(id)) cycles.push([id, ...path.slice(path.indexOf(id)).reverse()]);
  }
  return cycles;
}

function findUnreachable(ids: readonly string[], connections: Connections): string[] {
  const reached = new Set([START_NODE_ID]);
  const queue = [START_NODE_ID];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    for (const next of connections.downstreamOf(id)) {
      if (reached.has(next)) continue;
      reached.add(next);
      queue.push(next);
    }
  }
  return ids.filter((id) => id !== END_NODE_ID && !reached.has(id));
}

/** Reports every cycle and every node that a run would never come to. Linear, and without recursion. */
export function checkGraph(ids: readonly string[], connections: Connections, report: ReportError): void {
  for (const cycle of findCycles(findStuck(ids, connections))) {
    const path = cycle.join(">");
    report("CycleDetected", START_NODE_ID, `A cycle has been detected while traversing the Workflow [${path}].`);
  }
  const unreachable = findUnreachable(ids, connections);
  if (unreachable.length > 0) {
    const listed = unreachable.join(",");
    report("UnreachableNodes", START_NODE_ID, `The Workflow contain unreachable nodes [${listed}].`);
  }
}
