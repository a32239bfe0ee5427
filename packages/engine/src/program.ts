import type { Binding, BooleanExpression, Identifier, LiteralType, TaskTemplate } from "@skein/idl/core";
import type { AskedResources } from "./targets/asked-resources.ts";
import type { TaskMemory } from "./targets/task-memory.ts";

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

/** One `if` or `elif` of a branch. */
export interface BranchCase {
  readonly condition: BooleanExpression;
  readonly node: GraphNode;
}

/** What a branch does when no case holds; null is a failure in the server's words. */
export type BranchElse =
  | { readonly type: "node"; readonly node: GraphNode }
  | { readonly type: "fail"; readonly message: string };

export type Gate =
  | { readonly type: "sleep"; readonly durationMs: number }
  | { readonly type: "approve"; readonly signalId: string }
  | {
      readonly type: "signal";
      readonly signalId: string;
      readonly valueType: LiteralType | null;
      readonly outputName: string;
    };

/** A map over lists. */
export interface ArraySpec {
  /** What is done for each item. */
  readonly node: GraphNode;
  /** Items at once; 0 is as many as the engine's window takes. */
  readonly parallelism: number;
  /** Successes that are enough, or the part of all items that is; all where both are null. */
  readonly minSuccesses: number | null;
  readonly minSuccessRatio: number | null;
  /** Inputs that go to every item as they are. */
  readonly boundInputs: ReadonlySet<string>;
  /** Whether each item is given its own part of the inputs; otherwise all of them, and it picks by its index. */
  readonly isSplit: boolean;
  /** Names of the outputs that are gathered into lists. */
  readonly outputNames: readonly string[];
}

/** How a task's outputs are cached (contract 6.7). */
export interface CacheSettings {
  readonly version: string;
  /** Of several runs with the same inputs one computes, the others wait for it. */
  readonly isSerialized: boolean;
  readonly ignoredInputs: ReadonlySet<string>;
}

/** What a node does when its turn comes. `unsupported` fails with its `reason`. */
export type NodeTarget =
  | { readonly kind: "start" }
  | { readonly kind: "end" }
  | {
      readonly kind: "task";
      readonly task: ProgramTask;
      readonly asks?: AskedResources;
      readonly memory?: TaskMemory;
    }
  | { readonly kind: "workflow"; readonly graphKey: string }
  | { readonly kind: "branch"; readonly cases: readonly BranchCase[]; readonly otherwise: BranchElse | null }
  | { readonly kind: "gate"; readonly gate: Gate }
  | { readonly kind: "array"; readonly array: ArraySpec }
  | { readonly kind: "launchPlan"; readonly id: Identifier }
  | { readonly kind: "unsupported"; readonly reason: string };

/** One node of a compiled workflow. Nodes point at each other by their index in `Graph.nodes`. */
export interface GraphNode {
  /** Its place in `Graph.nodes`; -1 for a node inside of a branch or a map, and for the failure node. */
  readonly index: number;
  readonly id: string;
  readonly target: NodeTarget;
  readonly inDegree: number;
  readonly downstream: readonly number[];
  readonly bindings: readonly Binding[];
  /** Nodes whose values the bindings read, each once. */
  readonly producers: readonly number[];
  /** Values that are looked into, so that an offloaded one must be read: one with an attribute path, or a map's list. */
  readonly looksInto: readonly { readonly producer: number; readonly variable: string }[];
  /** Declared types of the inputs whose type holds a union: literals bound to them are wrapped. */
  readonly unionTypes: ReadonlyMap<string, LiteralType>;
  /** Declared types of the inputs that take an error: a failure node is told by them what failed. */
  readonly errorInputs: ReadonlyMap<string, LiteralType>;
  /** Tries beyond the first that recoverable user failures may spend. */
  readonly retries: number;
  /** Longest time one attempt may run; 0 is for ever. */
  readonly timeoutMs: number;
  readonly interruptible: boolean;
  /** Null where nothing is cached. */
  readonly cache: CacheSettings | null;
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
  /** Runs once when the workflow fails, before it has failed. */
  readonly failureNode: GraphNode | null;
}

/** A compiled closure made ready to run. It is never changed, so any number of runs may share it. */
export interface Program {
  readonly root: Graph;
  /** Every workflow of the closure by its key, the root included. */
  readonly graphs: ReadonlyMap<string, Graph>;
  /** Every task of the closure by its key. */
  readonly tasks: ReadonlyMap<string, ProgramTask>;
}
