import type { Binding, LiteralType, TaskTemplate } from "@skein/idl/core";

/** What an agent does for a task: `echo` hands its inputs back, `container` runs user code. */
export type TaskOrderKind = "echo" | "container";

/** A task that a program uses. */
export interface ProgramTask {
  /** `project:domain:name:version`. */
  readonly key: string;
  readonly orderKind: TaskOrderKind;
  readonly template: TaskTemplate;
}

/** What happens to the other nodes of a workflow once one has failed. */
export type FailurePolicy = "failImmediately" | "failAfterExecutableNodesComplete";

/** What a node does when its turn comes. `unsupported` fails with its `reason`. */
export type NodeTarget =
  | { readonly kind: "start" }
  | { readonly kind: "end" }
  | { readonly kind: "task"; readonly task: ProgramTask }
  | { readonly kind: "workflow"; readonly graphKey: string }
  | { readonly kind: "unsupported"; readonly reason: string };

/** One node of a compiled workflow. Nodes point at each other by their index in `Graph.nodes`. */
export interface GraphNode {
  readonly index: number;
  readonly id: string;
  readonly target: NodeTarget;
  readonly inDegree: number;
  readonly downstream: readonly number[];
  readonly bindings: readonly Binding[];
  /** Nodes whose values the bindings read, each once. */
  readonly producers: readonly number[];
  /** Declared types of the inputs whose type holds a union: literals bound to them are wrapped. */
  readonly unionTypes: ReadonlyMap<string, LiteralType>;
  /** Tries beyond the first that recoverable user failures may spend. */
  readonly retries: number;
  /** Longest time one attempt may run; 0 is for ever. */
  readonly timeoutMs: number;
  readonly interruptible: boolean;
}

/** One compiled workflow, indexed. */
export interface Graph {
  /** `project:domain:name:version`. */
  readonly key: string;
  readonly nodes: readonly GraphNode[];
  readonly indexOf: ReadonlyMap<string, number>;
  readonly start: number;
  readonly end: number;
  readonly failurePolicy: FailurePolicy;
}

/** A compiled closure made ready to run. It is never changed, so any number of runs may share it. */
export interface Program {
  readonly root: Graph;
  /** Every workflow of the closure by its key, the root included. */
  readonly graphs: ReadonlyMap<string, Graph>;
  /** Every task of the closure by its key. */
  readonly tasks: ReadonlyMap<string, ProgramTask>;
}
