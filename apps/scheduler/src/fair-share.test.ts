import type { WaitingGroup } from "@skein/db";
import { seededRandom } from "@skein/testing";
import { expect, test } from "vitest";
import { countByProject, type Share, shareOut, withTaken } from "./fair-share.ts";

const plain: Share = { underWay: 0, weight: 1, runningMax: null };
const group = (project: string, priority = 0) => ({ project, priority });
const sharesOf = (shares: Record<string, Partial<Share>>) =>
  new Map(Object.entries(shares).map(([project, share]) => [project, { ...plain, ...share }]));
const countsOf = (picks: ReturnType<typeof shareOut>) =>
  Object.fromEntries(
    picks.map(({ project, priority, count }) => [priority ? `${project}@${priority}` : project, count]),
  );

test.each([
  ["nobody else waits", [group("a")], {}, 5, { a: 5 }],
  ["two projects have nothing yet", [group("a"), group("b")], {}, 6, { a: 3, b: 3 }],
  ["one has much under way", [group("a"), group("b")], { a: { underWay: 100 } }, 6, { b: 6 }],
  ["one has a little more under way", [group("a"), group("b")], { a: { underWay: 2 } }, 6, { a: 2, b: 4 }],
  ["weights differ", [group("a"), group("b")], { a: { weight: 3 } }, 8, { a: 6, b: 2 }],
  ["one is at its limit", [group("a"), group("b")], { a: { underWay: 4, runningMax: 5 } }, 6, { a: 1, b: 5 }],
  ["all are at their limits", [group("a")], { a: { runningMax: 0 } }, 6, {}],
  ["priorities differ", [group("a"), group("b", 1)], { b: { underWay: 100 } }, 6, { "b@1": 6 }],
  [
    "the highest priority is at its limit",
    [group("a"), group("b", 1)],
    { b: { runningMax: 2 } },
    6,
    { "b@1": 2, a: 4 },
  ],
  ["a limit spans priorities", [group("a"), group("a", -1)], { a: { runningMax: 2 } }, 6, { a: 2 }],
  ["there is no room", [group("a")], {}, 0, {}],
])("where %s", (_, groups, shares, room, expected) => {
  expect(countsOf(shareOut(groups, sharesOf(shares), room))).toEqual(expected);
});

const PROJECTS = ["a", "b", "c", "d"];

test("no place is wasted or given twice, no limit is exceeded, and nobody is more than a place for its weight ahead", () => {
  const random = seededRandom(7);
  for (let round = 0; round < 2_000; round++) {
    const shares = new Map(
      PROJECTS.filter(() => random.next() < 0.7).map((project) => [
        project,
        {
          underWay: random.below(20),
          weight: 1 + random.below(4),
          runningMax: random.next() < 0.3 ? random.below(25) : null,
        },
      ]),
    );
    const priorities = [1, 0].filter(() => random.next() < 0.7);
    const groups = priorities.flatMap((priority) =>
      PROJECTS.filter(() => random.next() < 0.6).map((project) => ({ project, priority })),
    );
    checkFairness(groups, shares, random.below(40));
  }
});

function checkFairness(groups: readonly WaitingGroup[], shares: ReadonlyMap<string, Share>, room: number): void {
  const picks = shareOut(groups, shares, room);
  const taken = countByProject(
    picks.flatMap(({ project, count }) => Array.from({ length: count }, () => ({ project }))),
  );
  const after = withTaken(shares, taken);
  const shareOf = (project: string) => after.get(project) ?? plain;
  const isFull = (project: string) => shareOf(project).underWay >= (shareOf(project).runningMax ?? Infinity);
  const total = picks.reduce((sum, { count }) => sum + count, 0);
  expect(total).toBeLessThanOrEqual(room);
  if (total < room) expect(groups.every(({ project }) => isFull(project))).toBe(true);
  for (const project of taken.keys()) {
    expect(shareOf(project).underWay).toBeLessThanOrEqual(shareOf(project).runningMax ?? Infinity);
  }
  const top = Math.max(...groups.map(({ priority }) => priority));
  if (picks.some(({ priority }) => priority < top)) return;
  const others = groups.filter(({ project, priority }) => priority === top && !isFull(project));
  for (const project of taken.keys()) {
    const { underWay, weight } = shareOf(project);
    for (const other of others.map((one) => shareOf(one.project))) {
      expect(underWay / weight).toBeLessThanOrEqual((other.underWay + 1) / other.weight);
    }
  }
}
