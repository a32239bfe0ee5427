import type { ActionKind } from "@skein/engine";
import type pg from "pg";

/** One step on the way from a run's graph to an action inside of it. */
export interface PathStep {
  readonly ordinal: number;
  /** The node's id in its template. */
  readonly specNodeId: string;
  readonly kind: ActionKind;
  /** Its children belong to the workflow that its task wrote. */
  readonly isExpanded: boolean;
}

interface ActionId {
  readonly runId: string;
  readonly ordinal: number;
}

/** For each action, in the order asked: the actions that it is inside of, outermost first, and itself. */
export async function readActionPaths(db: pg.Pool, ids: readonly ActionId[]): Promise<PathStep[][]> {
  const paths = ids.map((): PathStep[] => []);
  if (ids.length === 0) return paths;
  const { rows } = await db.query<PathStep & { readonly place: string }>({
    name: "read-action-paths",
    text: `with recursive path as (
             select w.place, a.run_id, a.ordinal, a.parent_ordinal, a.spec_node_id, a.kind, a.is_expanded, 0 as depth
             from unnest($1::uuid[], $2::int[]) with ordinality w(run_id, ordinal, place)
             join actions a using (run_id, ordinal)
             union all
             select path.place, p.run_id, p.ordinal, p.parent_ordinal, p.spec_node_id, p.kind, p.is_expanded, path.depth + 1
             from path join actions p on p.run_id = path.run_id and p.ordinal = path.parent_ordinal)
           select place, ordinal, spec_node_id as "specNodeId", kind, is_expanded as "isExpanded"
           from path order by place, depth desc`,
    values: [ids.map(({ runId }) => runId), ids.map(({ ordinal }) => ordinal)],
  });
  for (const { place, ...step } of rows) paths[Number(place) - 1]?.push(step);
  return paths;
}

/** A workflow that a task wrote: a serialized `flyteidl.core.CompiledWorkflowClosure`, here or in the object store. */
export interface StoredExpansion {
  readonly compiled: Uint8Array | null;
  readonly uri: string | null;
}

export async function readExpansion(db: pg.Pool, { runId, ordinal }: ActionId): Promise<StoredExpansion | undefined> {
  const { rows } = await db.query<StoredExpansion>({
    name: "read-expansion",
    text: "select compiled, uri from expansions where run_id = $1 and ordinal = $2",
    values: [runId, ordinal],
  });
  return rows[0];
}
