import type { ActionPhase } from "./phase.ts";
import type { Program } from "./program.ts";

/** An action of the run that a recovered run repeats. */
export interface ReferenceAction {
  readonly ordinal: number;
  readonly phase: ActionPhase;
}

/**
 * What the run that a recovered run repeats has done, by place. What must be done anew although it was finished is left
 * out by who makes this.
 */
export interface Reference {
  /**
   * The action at a node: `parentOrdinal` is the reference's own action around it, null at the top. A map's item `i`
   * stands at the node `n<i>` under its map.
   */
  find(parentOrdinal: number | null, specNodeId: string): ReferenceAction | undefined;
  /** The workflow that the task of an action of the reference wrote, if it did. */
  expansionOf(ordinal: number): Program | undefined;
}
