import type { RunMode } from "@skein/db";
import { RUN_PHASES } from "@skein/engine";
import { ExecutionMetadata_ExecutionMode } from "@skein/idl/admin";
import { NodeExecution_Phase, ResourceType, TaskExecution_Phase, WorkflowExecution_Phase } from "@skein/idl/core";
import { RUN_MODE_NAMES, toMode } from "../../runs/run-modes.ts";
import { RUN_PHASE, SHOWN_ACTION_PHASE, SHOWN_ACTION_PHASES } from "../phases.ts";

/** Flyte's words (and their numbers) → the words in our rows. */
type Words = Readonly<Record<string, readonly string[]>>;

/** Every word of a protobuf enum, with those of `ours` that are shown as it. */
function wordsOf<Ours extends string>(
  flyte: Readonly<Record<string, string | number>>,
  ours: readonly Ours[],
  shownAs: (word: Ours) => number,
): Words {
  const words: Record<string, readonly string[]> = {};
  for (const [name, number] of Object.entries(flyte)) {
    if (typeof number !== "number") continue;
    const matching = ours.filter((word) => shownAs(word) === number);
    words[name] = matching;
    words[String(number)] = matching;
  }
  return words;
}

export const RUN_PHASE_WORDS = wordsOf(WorkflowExecution_Phase, RUN_PHASES, (phase) => RUN_PHASE[phase]);
export const ACTION_PHASE_WORDS = wordsOf(
  NodeExecution_Phase,
  SHOWN_ACTION_PHASES,
  (phase) => SHOWN_ACTION_PHASE[phase],
);

/** A failed attempt is FAILED or RETRYABLE_FAILED by what came after it, which a filter does not look at. */
const ATTEMPT_PHASE: Readonly<Record<string, readonly string[]>> = {
  QUEUED: ["queued"],
  RUNNING: ["running", "aborting"],
  SUCCEEDED: ["succeeded"],
  ABORTED: ["aborted"],
  FAILED: ["failed"],
  RETRYABLE_FAILED: ["failed"],
};
export const ATTEMPT_PHASE_WORDS: Words = Object.fromEntries(
  Object.entries(TaskExecution_Phase).flatMap(([name, number]) =>
    typeof number === "number"
      ? [
          [name, ATTEMPT_PHASE[name] ?? []],
          [String(number), ATTEMPT_PHASE[name] ?? []],
        ]
      : [],
  ),
);

export const MODE_WORDS = wordsOf<RunMode>(ExecutionMetadata_ExecutionMode, RUN_MODE_NAMES, toMode);

/** States are numbers in Flyte's database, and words to people. */
const states = (...names: readonly string[]): Words =>
  Object.fromEntries(
    names.flatMap((name, index) => [
      [name.toUpperCase(), [name]],
      [String(index), [name]],
    ]),
  );

export const RUN_STATE_WORDS: Words = {
  ...states("active", "archived"),
  EXECUTION_ACTIVE: ["active"],
  EXECUTION_ARCHIVED: ["archived"],
};
export const LAUNCH_PLAN_STATE_WORDS = states("inactive", "active");
export const PROJECT_STATE_WORDS = states("active", "archived", "system_generated", "system_archived");
export const ENTITY_STATE_WORDS: Words = {
  ...states("active", "archived", "system_generated"),
  NAMED_ENTITY_ACTIVE: ["active"],
  NAMED_ENTITY_ARCHIVED: ["archived"],
};
export const ERROR_KIND_WORDS: Words = { UNKNOWN: [], USER: ["user"], SYSTEM: ["system"] };
export const RESOURCE_TYPE_WORDS: Words = {
  TASK: ["task"],
  WORKFLOW: ["workflow"],
  LAUNCH_PLAN: ["launch_plan"],
  [String(ResourceType.TASK)]: ["task"],
  [String(ResourceType.WORKFLOW)]: ["workflow"],
  [String(ResourceType.LAUNCH_PLAN)]: ["launch_plan"],
};
