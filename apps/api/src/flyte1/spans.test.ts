import type { TimedAction, TimedAttempt } from "@skein/db";
import { expect, test } from "vitest";
import { type Span, spanOfRun, type TimedRun } from "./spans.ts";

const at = (second: number): Date => new Date(1_700_000_000_000 + second * 1000);

const action = (ordinal: number, from: number, to: number, more: Partial<TimedAction> = {}): TimedAction => ({
  ordinal,
  parentOrdinal: null,
  name: `n${ordinal}`,
  kind: "task",
  taskKey: "p:d:t:v",
  phase: "succeeded",
  isExpanded: false,
  createdAt: at(from),
  updatedAt: at(to),
  startedAt: at(from + 1),
  endedAt: at(to),
  ...more,
});
const attempt = (ordinal: number, number: number, from: number, to: number): TimedAttempt => ({
  ordinal,
  attempt: number,
  queuedAt: at(from),
  updatedAt: at(to),
  startedAt: at(from + 1),
  endedAt: at(to),
});

const run = (actions: TimedAction[], more: Partial<TimedRun> = {}): TimedRun => ({
  id: { project: "p", domain: "d", name: "run" },
  createdAt: at(0),
  updatedAt: at(100),
  startedAt: at(1),
  endedAt: at(100),
  actions,
  attempts: [],
  children: new Map(),
  ...more,
});

/** `name from-to` of a span and, indented, of what is in it. */
function show(span: Span, indent = ""): string[] {
  const id = span.id;
  const name =
    id?.case === "operationId"
      ? id.value
      : id?.case === "nodeId"
        ? id.value.nodeId
        : id?.case === "taskId"
          ? `try ${id.value.retryAttempt}`
          : "run";
  const second = (time: Span["startTime"]) => Number(time?.seconds ?? 0n) - 1_700_000_000;
  const line = `${indent}${name} ${second(span.startTime)}-${second(span.endTime)}`;
  return [line, ...(span.spans ?? []).flatMap((inner) => show(inner as Span, `${indent}  `))];
}

test("a task's time is what its tries took, and what lies before, between and after them", () => {
  const attempts = [attempt(2, 0, 3, 10), attempt(2, 1, 15, 20)];
  const shown = show(spanOfRun(run([action(2, 2, 22)], { attempts }), -1));
  expect(shown).toEqual([
    "run 0-100",
    "  WORKFLOW_SETUP 0-2",
    "  n2 2-22",
    "    NODE_SETUP 2-3",
    "    try 0 3-10",
    "      TASK_SETUP 3-4",
    "      TASK_RUNTIME 4-10",
    "    NODE_RESET 10-15",
    "    try 1 15-20",
    "      TASK_SETUP 15-16",
    "      TASK_RUNTIME 16-20",
    "    NODE_TEARDOWN 20-22",
    "  WORKFLOW_TEARDOWN 22-100",
  ]);
});

test("parents hold their children, gates are idle, child runs stand in their actions; what was left out took no time", () => {
  const child: Span = { id: { case: "workflowId", value: { name: "child" } }, spans: [] };
  const actions = [
    action(0, 1, 1, { kind: "start", taskKey: null }),
    action(2, 2, 30, { kind: "workflow", taskKey: null }),
    action(3, 5, 9, { parentOrdinal: 2, kind: "gate", taskKey: null }),
    action(4, 5, 5, { parentOrdinal: 2, phase: "skipped" }),
    action(5, 40, 60, { kind: "launch_plan", taskKey: null }),
    action(6, 61, 70, { kind: "array", taskKey: null }),
  ];
  expect(show(spanOfRun(run(actions, { children: new Map([[5, child]]) }), -1))).toEqual([
    "run 0-100",
    "  WORKFLOW_SETUP 0-2",
    "  n2 2-30",
    "    NODE_SETUP 2-5",
    "    n3 5-9",
    "      NODE_SETUP 5-6",
    "      NODE_IDLE 6-9",
    "      NODE_TEARDOWN 9-9",
    "    NODE_TEARDOWN 9-30",
    "  n5 40-60",
    "    NODE_SETUP 40-41",
    "    run -1700000000--1700000000",
    "    NODE_TEARDOWN 60-60",
    "  n6 61-70",
    "    NODE_SETUP 61-62",
    "    TASK_RUNTIME 62-70",
    "    NODE_TEARDOWN 70-70",
    "  WORKFLOW_TEARDOWN 70-100",
  ]);
});

test("the depth says how many levels are told apart", () => {
  const attempts = [attempt(2, 0, 3, 10)];
  const timed = run([action(2, 2, 22)], { attempts });
  expect(show(spanOfRun(timed, 0))).toEqual(["run 0-100"]);
  expect(show(spanOfRun(timed, 1))).toHaveLength(4);
  expect(show(spanOfRun(timed, 2)).filter((line) => line.includes("TASK"))).toEqual([]);
  expect(show(spanOfRun(timed, 3)).filter((line) => line.includes("TASK"))).toHaveLength(2);
});

test("what has not begun was set up all the time, and a clock that is behind makes no negative times", () => {
  expect(show(spanOfRun(run([]), -1))).toEqual(["run 0-100", "  WORKFLOW_SETUP 0-100"]);
  const late = [{ ...attempt(2, 0, 30, 20), startedAt: null }];
  expect(show(spanOfRun(run([action(2, 2, 22)], { attempts: late }), -1)).slice(4)).toEqual([
    "    try 0 30-30",
    "      TASK_SETUP 30-30",
    "      TASK_RUNTIME 20-20",
    "    NODE_TEARDOWN 20-22",
    "  WORKFLOW_TEARDOWN 22-100",
  ]);
});
