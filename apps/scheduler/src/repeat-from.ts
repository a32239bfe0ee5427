import type { ReferenceRow } from "@skein/db";
import type { Graph, GraphNode, Program } from "@skein/engine";

/** A run that is recovered: its workflow, its actions by ordinal, and what its tasks wrote. */
export interface ReferenceRun {
  readonly program: Program;
  readonly actions: ReadonlyMap<number, ReferenceRow>;
  readonly expansions: ReadonlyMap<number, Program>;
}

interface Scope {
  readonly program: Program;
  /** Undefined below of a branch or a map, whose actions have nothing downstream. */
  readonly graph: Graph | undefined;
}

/**
 * The actions that are done anew when a run is repeated from some of its actions on: those themselves (`repeated`), with everything
 * downstream of them and of what they are a part of. What they are a part of is `reopened`: what else is below it is kept.
 */
export function actionsToRepeat(
  run: ReferenceRun,
  names: readonly string[],
): { readonly repeated: ReadonlySet<number>; readonly reopened: ReadonlySet<number> } {
  const repeated = new Set<number>();
  const reopened = new Set<number>();
  if (names.length === 0) return { repeated, reopened };
  const wanted = new Set(names);
  const byPlace = new Map<string, number>();
  for (const { ordinal, parentOrdinal, specNodeId } of run.actions.values())
    byPlace.set(`${parentOrdinal ?? ""}/${specNodeId}`, ordinal);

  for (const first of run.actions.values()) {
    if (!wanted.has(first.name)) continue;
    repeated.add(first.ordinal);
    for (let action: ReferenceRow | undefined = first; action; action = parentOf(run, action)) {
      if (action !== first) reopened.add(action.ordinal);
      for (const id of idsDownstream(scopeOf(run, action.parentOrdinal).graph, action.specNodeId)) {
        const ordinal = byPlace.get(`${action.parentOrdinal ?? ""}/${id}`);
        if (ordinal !== undefined) repeated.add(ordinal);
      }
    }
  }
  return { repeated, reopened };
}

const parentOf = ({ actions }: ReferenceRun, { parentOrdinal }: ReferenceRow): ReferenceRow | undefined =>
  parentOrdinal === null ? undefined : actions.get(parentOrdinal);

/** Ids of the nodes that come after a node of a graph, the node itself excluded. */
function idsDownstream(graph: Graph | undefined, id: string): string[] {
  const start = graph?.indexOf.get(id);
  if (!graph || start === undefined) return [];
  const seen = new Set([start]);
  for (const index of seen) for (const next of graph.nodes[index]?.downstream ?? []) seen.add(next);
  seen.delete(start);
  return Array.from(seen, (index) => graph.nodes[index]?.id ?? "");
}

/** The graph that the actions below of an action are nodes of. */
function scopeOf(run: ReferenceRun, ordinal: number | null): Scope {
  if (ordinal === null) return { program: run.program, graph: run.program.root };
  const written = run.expansions.get(ordinal);
  if (written) return { program: written, graph: written.root };
  const action = run.actions.get(ordinal);
  const { program } = scopeOf(run, action?.parentOrdinal ?? null);
  const target = action && nodeOf(run, action)?.target;
  return { program, graph: target?.kind === "workflow" ? program.graphs.get(target.graphKey) : undefined };
}

/** The node that an action stands for. */
function nodeOf(run: ReferenceRun, { parentOrdinal, specNodeId }: ReferenceRow): GraphNode | undefined {
  const { graph } = scopeOf(run, parentOrdinal);
  if (graph) {
    const index = graph.indexOf.get(specNodeId);
    if (index !== undefined) return graph.nodes[index];
    return graph.failureNode?.id === specNodeId ? graph.failureNode : undefined;
  }
  const parent = parentOrdinal === null ? undefined : run.actions.get(parentOrdinal);
  const target = parent && nodeOf(run, parent)?.target;
  if (target?.kind === "array") return target.array.node;
  if (target?.kind !== "branch") return undefined;
  const chosen = target.cases.find(({ node }) => node.id === specNodeId)?.node;
  return chosen ?? (target.otherwise?.type === "node" ? target.otherwise.node : undefined);
}
