/** The words of Flyte's compiler (contract 5.2) for what can be wrong with a workflow. */
export const COMPILE_ERROR_CODES = [
  "AmbiguousBindingUnionValue",
  "BranchNodeHasNoCondition",
  "BranchNodeHasNoDefault",
  "BranchNodeIdNotFound",
  "CycleDetected",
  "DuplicateAlias",
  "DuplicateId",
  "FieldNotFound",
  "IllegalEnumValue",
  "IncompatibleBindingUnionValue",
  "InvalidValue",
  "MismatchingBindings",
  "MismatchingTypes",
  "NoConditionFound",
  "NoNodesFound",
  "NodeReferenceNotFound",
  "ParameterBoundMoreThanOnce",
  "ParameterNotBound",
  "SyntaxError",
  "TaskReferenceNotFound",
  "UnreachableNodes",
  "UnrecognizedValue",
  "ValueRequired",
  "VariableNameNotFound",
  "WorkflowReferenceNotFound",
] as const;
export type CompileErrorCode = (typeof COMPILE_ERROR_CODES)[number];

/** One thing that is wrong with a workflow: data, so that all of them can be told together. */
export interface CompileError {
  readonly code: CompileErrorCode;
  /** Name of the workflow or sub-workflow that the node belongs to. */
  readonly workflow: string;
  /** `start-node` when no single node is to blame. */
  readonly nodeId: string;
  readonly description: string;
}

/** Takes one error of the workflow being compiled. */
export type ReportError = (code: CompileErrorCode, nodeId: string, description: string) => void;

/** All errors in one text, in the form that people know from Flyte. */
export function describeCompileErrors(errors: readonly CompileError[]): string {
  const several = new Set(errors.map((error) => error.workflow)).size > 1;
  const lines = errors.map(({ code, workflow, nodeId, description }, index) => {
    const place = several ? `Workflow: ${workflow}, Node Id: ${nodeId}` : `Node Id: ${nodeId}`;
    return `\tError ${index}: Code: ${code}, ${place}, Description: ${description}`;
  });
  return [`Collected Errors: ${errors.length}`, ...lines].join("\n");
}
