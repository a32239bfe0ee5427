import { expect, test } from "vitest";
import { Random } from "./random.ts";
import { World } from "./world.ts";

const SEEDS = Number(process.env.SKEIN_SEEDS ?? 500);
/** One seed alone, to look at a history that failed. */
const ONLY_SEED = process.env.SKEIN_SEED;

test(`${SEEDS} random histories end and keep every law`, { timeout: 20_000 + SEEDS * 200 }, () => {
  const phases: Record<string, number> = {};
  const first = Number(ONLY_SEED ?? 1);
  for (let seed = first; seed < first + (ONLY_SEED ? 1 : SEEDS); seed += 1) {
    try {
      const world = new World(new Random(seed));
      world.play();
      const { phase } = world.stage.runRow;
      phases[phase] = (phases[phase] ?? 0) + 1;
    } catch (error) {
      throw new Error(`SKEIN_SEED=${seed} repeats this history`, { cause: error });
    }
  }
  if (!ONLY_SEED && SEEDS >= 100) expect(Object.keys(phases).sort()).toEqual(["aborted", "failed", "succeeded"]);
});
