import type { Annotations } from "@skein/idl/admin";
import { limitProblems } from "@skein/launch";
import { invalid } from "../registry/identity.ts";

/** Refuses annotations about limits that cannot be read; invalid_argument names `field` and the annotation. */
export function checkLimits(field: string, annotations: Annotations | undefined): void {
  const [problem] = limitProblems(annotations);
  if (problem !== undefined) throw invalid(field, problem);
}
