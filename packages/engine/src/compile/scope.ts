import type {
  CompiledTask,
  Identifier,
  LiteralType,
  Node,
  ParameterMap,
  VariableMap,
  WorkflowTemplate,
} from "@skein/idl/core";
import type { ReportError } from "./compile-error.ts";
import type { Connections } from "./connections.ts";

/** What a node that starts a launch plan may be given and hands out (its closure's expected inputs and outputs). */
export interface LaunchPlanInterface {
  readonly id: Identifier;
  readonly expectedInputs?: ParameterMap | undefined;
  readonly expectedOutputs?: VariableMap | undefined;
}

/** Everything a workflow may refer to by id, by entity key. */
export interface Entities {
  readonly tasks: ReadonlyMap<string, CompiledTask>;
  readonly launchPlans: ReadonlyMap<string, LaunchPlanInterface>;
  readonly subWorkflows: ReadonlyMap<string, WorkflowTemplate>;
}

/** Types by variable name. An undefined type is one that cannot be told: it fits everywhere. */
export type Types = ReadonlyMap<string, LiteralType | undefined>;

export interface NodeInterface {
  /** Undefined for nodes that take whatever is bound to them: branches and gates. */
  readonly inputs: Types | undefined;
  readonly outputs: Types;
}

/** One workflow while it is being compiled. */
export interface CompileScope {
  readonly report: ReportError;
  readonly entities: Entities;
  /** Nodes whose outputs can be bound: those of the main graph. */
  readonly nodes: ReadonlyMap<string, Node>;
  readonly connections: Connections;
  /** Computed once per node; null while it is computed and when the node's errors leave it without one. */
  readonly interfaces: Map<Node, NodeInterface | null>;
  /** What a node hands out; its errors are reported even where `report` is silenced for a trial. */
  readonly outputsOf: (node: Node) => Types | undefined;
}

/** The types of an interface's variables; reports those without a type. */
export function readTypes(report: ReportError, nodeId: string, variables: VariableMap | undefined): Types {
  const types = new Map<string, LiteralType | undefined>();
  for (const [name, { type }] of Object.entries(variables?.variables ?? {})) {
    if (name === "") report("ValueRequired", nodeId, "Value required [paramName].");
    if (!type || type.type.case === undefined) report("ValueRequired", nodeId, `Value required [type of ${name}].`);
    types.set(name, type);
  }
  return types;
}
