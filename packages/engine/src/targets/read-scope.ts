import type { Node, TypedInterface } from "@skein/idl/core";
import type { GraphNode, NodeTarget, ProgramTask } from "../program.ts";

/** What the nodes of a program refer to, by entity key. */
export interface Entities {
  readonly tasks: ReadonlyMap<string, ProgramTask>;
  readonly workflows: ReadonlyMap<string, TypedInterface | undefined>;
  readonly launchPlans: ReadonlyMap<string, TypedInterface | undefined>;
}

/** What reading a node needs to know about its program and its workflow. */
export interface ReadScope extends Entities {
  /** Interface of the workflow that the node belongs to. */
  readonly own: TypedInterface | undefined;
  readonly isInterruptible: boolean;
  /** Index of a node of the workflow's graph; breaks an invariant when there is none. */
  readonly getIndex: (id: string) => number;
  /** Reads a node inside of a branch or a map, or the failure node: one without an index and edges. */
  readonly readInner: (node: Node) => GraphNode;
  /** The same for a node whose target is known. */
  readonly readMapped: (node: Node, target: NodeTarget) => GraphNode;
}
