import type { GroupPick, ProjectLoad, WaitingGroup } from "@skein/db";

/** What the choice of the next orders must know of a project. */
export type Share = Pick<ProjectLoad, "underWay" | "weight" | "runningMax">;

const PLAIN: Share = { underWay: 0, weight: 1, runningMax: null };

/**
 * Gives `room` places to groups of commands, as if each had any number of them: the highest priority first, and within
 * one the project that has the least under way for its weight. A project at its limit gets none.
 */
export function shareOut(
  groups: readonly WaitingGroup[],
  shares: ReadonlyMap<string, Share>,
  room: number,
): GroupPick[] {
  const counts = new Map<WaitingGroup, number>();
  const levels = [...Map.groupBy(groups, ({ priority }) => priority)].sort(([a], [b]) => b - a);
  const taken = new Map<string, number>();
  let left = room;
  for (const [, level] of levels) {
    for (; left > 0; left--) {
      const next = leastServed(level, shares, taken);
      if (!next) break;
      counts.set(next, (counts.get(next) ?? 0) + 1);
      taken.set(next.project, (taken.get(next.project) ?? 0) + 1);
    }
  }
  return Array.from(counts, ([group, count]) => ({ ...group, count }));
}

/** Undefined where all projects are at their limits. */
function leastServed(
  groups: readonly WaitingGroup[],
  shares: ReadonlyMap<string, Share>,
  taken: ReadonlyMap<string, number>,
): WaitingGroup | undefined {
  let best: { readonly group: WaitingGroup; readonly cost: number } | undefined;
  for (const group of groups) {
    const { underWay, weight, runningMax } = shares.get(group.project) ?? PLAIN;
    const has = underWay + (taken.get(group.project) ?? 0);
    if (runningMax !== null && has >= runningMax) continue;
    const cost = (has + 1) / weight;
    if (!best || cost < best.cost) best = { group, cost };
  }
  return best?.group;
}

/** The shares with what was taken since they were read. */
export function withTaken(
  shares: ReadonlyMap<string, Share>,
  taken: ReadonlyMap<string, number>,
): ReadonlyMap<string, Share> {
  const more = new Map(shares);
  for (const [project, count] of taken) {
    const share = more.get(project) ?? PLAIN;
    more.set(project, { ...share, underWay: share.underWay + count });
  }
  return more;
}

/** How many there are of each project. */
export function countByProject(orders: readonly { readonly project: string }[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { project } of orders) counts.set(project, (counts.get(project) ?? 0) + 1);
  return counts;
}
