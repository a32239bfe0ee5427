import { create } from "@bufbuild/protobuf";
import { type Annotations, AnnotationsSchema, type ExecutionSpec, type Labels } from "@skein/idl/admin";

/** The annotation or label that says how urgent a run is. The annotation wins. */
export const PRIORITY_NAME = "skein.dev/priority";
/** Priorities go from its negative to it. */
export const PRIORITY_MAX = 100;

/** What a run's merged spec or a launch plan may say it in. */
export interface PrioritySource {
  readonly annotations?: Annotations | undefined;
  readonly labels?: Labels | undefined;
}

const wordsOf = ({ annotations, labels }: PrioritySource): string | undefined =>
  annotations?.values[PRIORITY_NAME] ?? labels?.values[PRIORITY_NAME];

function parse(text: string): number | undefined {
  const priority = /^-?\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  return Math.abs(priority) <= PRIORITY_MAX ? priority : undefined;
}

/** Undefined where nothing is said; a wrong one was refused before. */
export function askedPriority(source: PrioritySource): number | undefined {
  const words = wordsOf(source);
  return words === undefined ? undefined : parse(words);
}

export const priorityOf = (source: PrioritySource): number => askedPriority(source) ?? 0;

/** What is wrong with the priority that was asked for, if anything is. */
export function priorityProblem(source: PrioritySource): string | undefined {
  const words = wordsOf(source);
  if (words === undefined || parse(words) !== undefined) return undefined;
  return `${PRIORITY_NAME} is "${words}", but must be a whole number from -${PRIORITY_MAX} to ${PRIORITY_MAX}`;
}

/** Writes the priority into a merged spec, where a run that repeats this one finds it. */
export function givePriority(spec: ExecutionSpec, priority: number): void {
  const values = { ...spec.annotations?.values, [PRIORITY_NAME]: String(priority) };
  spec.annotations = create(AnnotationsSchema, { values });
}
