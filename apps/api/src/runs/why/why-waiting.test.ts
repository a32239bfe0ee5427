import type { ActionWait } from "@skein/db";
import { expect, test } from "vitest";
import { type WaitFacts, whyActionWaits, whyRunWaits } from "./why-waiting.ts";

const action: ActionWait = {
  ...{ ordinal: 2, name: "n0", kind: "task", phase: "queued", attempts: 0, cacheStatus: "disabled", taskKey: null },
  ...{ attemptPhase: null, pool: null, agentId: null, waitingReason: null, isBacklog: false, priority: 0, ahead: 0 },
  ...{ timer: null, dueAt: null, errand: null, signalId: null, isApproval: null, childRun: null, childPhase: null },
};
const dueAt = new Date("2026-03-29T01:00:00Z");
const queued = { attemptPhase: "queued", attempts: 1, pool: "gpu" } as const;
const backlog = { ...queued, isBacklog: true };
const full = { agents: 1, slots: 4, held: 4 };

function reasonOf(some: Partial<ActionWait>, more: Partial<Omit<WaitFacts, "action">> = {}): string {
  const facts = {
    run: "r",
    project: "p",
    waitsForPlace: false,
    maxParallelism: 0,
    fill: full,
    load: null,
    cacheHolders: [],
  };
  return whyActionWaits({ ...facts, ...more, action: { ...action, ...some } });
}

test.each<[string, Partial<ActionWait>, Partial<Omit<WaitFacts, "action">>, string]>([
  ["its turn comes", {}, {}, "Its turn comes with the scheduler's next step."],
  [
    "the run has enough under way",
    {},
    { waitsForPlace: true, maxParallelism: 2 },
    "2 steps of this run are under way, and no more may be (max_parallelism).",
  ],
  [
    "the run has one under way",
    {},
    { waitsForPlace: true, maxParallelism: 1 },
    "1 step of this run is under way, and no more may be (max_parallelism).",
  ],
  ["it is looked up in the cache", { errand: "check_cache" }, {}, "It is being looked up in the cache."],
  [
    "another run computes it",
    { errand: "check_cache" },
    { cacheHolders: ["a"] },
    "It waits for run a, which computes the same cached outputs.",
  ],
  ["its run is launched", { kind: "launch_plan", errand: "launch_child" }, {}, "Its run is being launched."],
  [
    "its run is under way",
    { kind: "launch_plan", phase: "running", childRun: "c", childPhase: "queued" },
    {},
    "Its run c is queued.",
  ],
  [
    "its run is aborted",
    { kind: "launch_plan", errand: "abort_child", childRun: "c" },
    {},
    "Its run c is being aborted.",
  ],
  [
    "its outputs are gathered",
    { kind: "array", errand: "gather_outputs" },
    {},
    "The outputs of its items are being put together.",
  ],
  ["its items run", { kind: "array", phase: "running" }, {}, "Its items are under way."],
  [
    "what its task wrote runs",
    { phase: "running", attemptPhase: "succeeded", attempts: 1 },
    {},
    "What it consists of is under way.",
  ],
  [
    "it backs off",
    { attempts: 1, attemptPhase: "failed", timer: "backoff", dueAt },
    {},
    "Its attempt 1 failed; it is tried again at 2026-03-29T01:00:00.000Z.",
  ],
  ["it sleeps", { kind: "gate", timer: "wake", dueAt }, {}, "It sleeps until 2026-03-29T01:00:00.000Z."],
  [
    "it wants approval",
    { kind: "gate", signalId: "ok", isApproval: true },
    {},
    'It waits for approval ok: give it with "skein signal r ok".',
  ],
  [
    "it wants a value for some time",
    { kind: "gate", signalId: "x", isApproval: false, timer: "wake", dueAt },
    {},
    'It waits for signal x, until 2026-03-29T01:00:00.000Z at most: give it with "skein signal r x".',
  ],
  [
    "it is stopped",
    { phase: "aborting", attemptPhase: "aborting", agentId: "a1" },
    {},
    "It is being ended: agent a1 was told to stop it.",
  ],
  ["it fails", { phase: "failing" }, {}, "It is being ended."],
  ["its agent says why", { ...queued, waitingReason: "pulling image busybox:1" }, {}, "pulling image busybox:1"],
  ["its agent prepares", { ...queued, agentId: "a1" }, {}, "Agent a1 has taken it and prepares its start."],
  ["nobody serves", queued, { fill: { agents: 0, slots: 0, held: 0 } }, "No agent serves pool gpu."],
  ["all slots are taken", queued, {}, "All 4 slots of pool gpu are taken."],
  [
    "it is next",
    queued,
    { fill: { ...full, held: 3 } },
    "It is next for an agent of pool gpu: 3 of 4 slots of pool gpu are taken.",
  ],
  [
    "others go first",
    { ...backlog, ahead: 12, priority: 5 },
    {},
    "4 of 4 slots of pool gpu are taken, and other orders go first; 12 orders of its project go before it at priority 5.",
  ],
  [
    "one goes first",
    { ...backlog, ahead: 1 },
    {},
    "4 of 4 slots of pool gpu are taken, and other orders go first; 1 order of its project goes before it at priority 0.",
  ],
  [
    "very many go first",
    { ...backlog, ahead: 1_000 },
    {},
    "4 of 4 slots of pool gpu are taken, and other orders go first; 1000 or more orders of its project go before it at priority 0.",
  ],
  [
    "its project has all it may have",
    backlog,
    { load: { underWay: 3, runningMax: 3 } },
    "Project p has 3 of 3 attempts under way that it may have in pool gpu; 0 orders of its project go before it at priority 0.",
  ],
  [
    "its project may have nothing",
    backlog,
    { load: { underWay: 0, runningMax: 0 } },
    "Project p may have nothing under way in pool gpu.",
  ],
])("where %s", (_, some, more, reason) => {
  expect(reasonOf(some, more)).toBe(reason);
});

test.each([
  ["running", undefined, null],
  ["queued", undefined, "It was just launched: the scheduler has not begun it yet."],
  ["aborting", undefined, "It was aborted, and its steps are being ended."],
  ["failing", undefined, "It has failed, and its steps are being ended."],
  [
    "queued",
    { launchPlan: "lp", runsMax: 1, place: 2, total: 5 },
    "It is number 2 of 5 runs that wait for launch plan lp, which may have 1 unfinished run.",
  ],
] as const)("a run that is %s", (phase, turn, reason) => {
  expect(whyRunWaits(phase, turn)).toBe(reason);
});
