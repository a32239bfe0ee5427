import type { Reference, ReferenceAction } from "../src/reference.ts";
import type { Random } from "./random.ts";
import type { Stage } from "./stage.ts";

const placeOf = (parentOrdinal: number | null, specNodeId: string): string => `${parentOrdinal}/${specNodeId}`;

/** A played run as the one that another run recovers. */
export class StageReference implements Reference {
  readonly stage: Stage;
  readonly #places = new Map<string, ReferenceAction>();

  /** `hidden`: how likely it is that an action is to be done anew although it was finished. */
  constructor(stage: Stage, random: Random, hidden: number) {
    this.stage = stage;
    for (const { parentOrdinal, specNodeId, ordinal, phase } of stage.actions.values())
      if (!random.chance(hidden)) this.#places.set(placeOf(parentOrdinal, specNodeId), { ordinal, phase });
  }

  find(parentOrdinal: number | null, specNodeId: string): ReferenceAction | undefined {
    return this.#places.get(placeOf(parentOrdinal, specNodeId));
  }

  expansionOf(ordinal: number) {
    return this.stage.expansions.get(ordinal);
  }
}
