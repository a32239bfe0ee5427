import type { RunUpdate } from "@skein/client";
import { formatSpan } from "../output/moment.ts";
import { paintPhase } from "../output/paint-phase.ts";
import { safeLine } from "../output/safe-text.ts";

export type Action = RunUpdate["actions"][number];

/** Children beyond this many are counted instead of shown; those that ask for attention are shown first. */
const CHILDREN_MAX = 12;
const ORDER = ["failed", "failing", "running", "aborting", "aborted", "queued", "skipped", "succeeded"];

/** Steps by which every run begins and ends. */
const isFrame = ({ nodeId }: Action): boolean => nodeId === "start-node" || nodeId === "end-node";

/** The steps of a run as lines of a tree, each below what it is a part of. */
export function treeOf(actions: Iterable<Action>, nowMs: number = Date.now()): string[] {
  const children = new Map<number | null, Action[]>();
  const known = new Set<number>();
  const all = [...actions].filter((action) => !isFrame(action)).sort((a, b) => a.ordinal - b.ordinal);
  for (const { ordinal } of all) known.add(ordinal);
  for (const action of all) {
    const parent = action.parent !== null && known.has(action.parent) ? action.parent : null;
    children.set(parent, [...(children.get(parent) ?? []), action]);
  }
  const linesBelow = (parent: number | null, indent: string): string[] => {
    const { shown, rest } = pick(children.get(parent) ?? []);
    const lines = shown.flatMap((action, index) => {
      const isLast = index === shown.length - 1 && rest === undefined;
      const own = `${indent}${isLast ? "└─ " : "├─ "}${lineOf(action, nowMs)}`;
      return [own, ...linesBelow(action.ordinal, `${indent}${isLast ? "   " : "│  "}`)];
    });
    return rest === undefined ? lines : [...lines, `${indent}└─ ${rest}`];
  };
  return linesBelow(null, "");
}

function pick(actions: readonly Action[]): { shown: readonly Action[]; rest: string | undefined } {
  if (actions.length <= CHILDREN_MAX) return { shown: actions, rest: undefined };
  const byNeed = actions.toSorted((a, b) => ORDER.indexOf(a.phase) - ORDER.indexOf(b.phase) || a.ordinal - b.ordinal);
  const rest = byNeed.slice(CHILDREN_MAX);
  const counts = ORDER.map((phase) => [phase, rest.filter((action) => action.phase === phase).length] as const);
  const said = counts.filter(([, count]) => count > 0).map(([phase, count]) => `${count} ${phase}`);
  const shown = byNeed.slice(0, CHILDREN_MAX).sort((a, b) => a.ordinal - b.ordinal);
  return { shown, rest: `and ${rest.length} more: ${said.join(", ")}` };
}

function lineOf(action: Action, nowMs: number): string {
  const what = [action.name, labelOf(action)];
  const notes = [
    formatSpan(action, nowMs) === "-" ? "" : formatSpan(action, nowMs),
    action.attempts > 1 ? `attempt ${action.attempts}` : "",
    action.cacheStatus === "hit" ? "from the cache" : "",
    action.isRecovered ? "recovered" : "",
    action.error ? firstLine(action.error.message) : "",
  ];
  const phase = paintPhase(action.phase, action.phase);
  return [...what.map(safeLine), phase, ...notes.map(safeLine)].filter((part) => part !== "").join("  ");
}

/** What a step does: its task's name, or its kind. */
export function labelOf({ kind, taskKey, itemCount }: Pick<Action, "kind" | "taskKey" | "itemCount">): string {
  if (kind === "array") return `map over ${itemCount ?? "?"}`;
  return taskKey?.split(":")[2] ?? (kind === "task" ? "" : kind.replaceAll("_", " "));
}

const firstLine = (text: string): string => {
  const line = text.trim().split("\n").at(0) ?? "";
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
};
