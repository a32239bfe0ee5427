import { expect, test } from "vitest";
import { type Action, treeOf } from "./action-tree.ts";

const action = (ordinal: number, change: Partial<Action>): Action => ({
  ordinal,
  parent: null,
  name: `n${ordinal}`,
  nodeId: `n${ordinal}`,
  kind: "task",
  taskKey: null,
  phase: "succeeded",
  attempts: 1,
  itemIndex: null,
  itemCount: null,
  cacheStatus: "disabled",
  cacheKey: null,
  isRecovered: false,
  isExpanded: false,
  hasDeck: false,
  error: null,
  createdAt: "2026-01-31T12:00:00.000Z",
  startedAt: null,
  endedAt: null,
  durationSeconds: null,
  ...change,
});

test("steps stand below what they are a part of, without those that begin and end every run", () => {
  const error = { code: "Boom", message: "broke\u001b[2J\nand more", kind: "user" as const };
  const actions = [
    action(1, { nodeId: "start-node" }),
    action(4, { name: "n0.n1", parent: 2, phase: "failed", attempts: 3, error }),
    action(2, { kind: "workflow", phase: "running" }),
    action(3, { name: "n0.n0", parent: 2, taskKey: "p:d:my.task:v1", durationSeconds: 1.5, cacheStatus: "hit" }),
    action(5, { kind: "gate", phase: "queued" }),
  ];
  expect(treeOf(actions)).toEqual([
    "├─ n2  workflow  running",
    "│  ├─ n0.n0  my.task  succeeded  1.5s  from the cache",
    "│  └─ n0.n1  failed  attempt 3  broke\\u001b[2J",
    "└─ n5  gate  queued",
  ]);
});

test("of many children those that ask for attention are shown, and the others counted", () => {
  const items = Array.from({ length: 1_000 }, (_, index) =>
    action(index + 3, { parent: 2, phase: index === 998 ? "failed" : index > 900 ? "queued" : "succeeded" }),
  );
  const lines = treeOf([action(2, { kind: "array", itemCount: 1_000, phase: "running" }), ...items]);
  expect(lines).toHaveLength(14);
  expect(lines[0]).toBe("└─ n2  map over 1000  running");
  expect(lines.filter((line) => line.includes("failed"))).toHaveLength(1);
  expect(lines.at(-1)).toBe("   └─ and 988 more: 87 queued, 901 succeeded");
});
