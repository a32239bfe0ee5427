import type { LaunchPlanSpec } from "@skein/idl/admin";
import { concurrencyProblems, type PrioritySource, priorityProblem } from "@skein/launch";
import { invalid } from "../registry/identity.ts";

/** Refuses a priority that cannot be read; invalid_argument names `field` and the annotation or label. */
export function checkPriority(field: string, source: PrioritySource): void {
  const problem = priorityProblem(source);
  if (problem !== undefined) throw invalid(field, `is invalid: ${problem}`);
}

/** Refuses what a launch plan says about the order of its runs, where that cannot be read. */
export function checkGivingOut(field: string, spec: LaunchPlanSpec): void {
  checkPriority(field, spec);
  const [problem] = concurrencyProblems(spec);
  if (problem !== undefined) throw invalid(`${field}.annotations`, `is invalid: ${problem}`);
}
