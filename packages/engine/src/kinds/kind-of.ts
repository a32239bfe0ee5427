import type { ActionKind } from "../changes.ts";
import type { NodeTarget } from "../program.ts";

/** The kind of the action that a node becomes. One that cannot run fails as the task that it might have been. */
export function kindOf({ kind }: NodeTarget): ActionKind {
  if (kind === "launchPlan") return "launch_plan";
  return kind === "unsupported" ? "task" : kind;
}
