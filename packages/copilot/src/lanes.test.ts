import { expect, test } from "vitest";
import { Lanes } from "./lanes.ts";

test("work runs side by side only as far as its weights fit", async () => {
  const lanes = new Lanes(4);
  let [now, most] = [0, 0];
  const work = (weight: number) => async () => {
    now += weight;
    most = Math.max(most, now);
    await turn();
    now -= weight;
  };
  for (const weight of [1, 1, 1, 1, 1, 4, 2, 2, 3, 1]) await lanes.begin(weight, work(weight));
  await lanes.end();
  expect([now, most]).toEqual([0, 4]);
});

const turn = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve));

test("the first failure ends it, after what had begun", async () => {
  const lanes = new Lanes(2);
  const done: string[] = [];
  await lanes.begin(1, async () => {
    await turn();
    throw new Error("first");
  });
  await lanes.begin(1, async () => {
    await turn();
    await turn();
    done.push("slow");
  });
  await expect(lanes.begin(2, async () => void done.push("never"))).rejects.toThrow("first");
  await expect(lanes.end()).rejects.toThrow("first");
  expect(done).toEqual(["slow"]);
});
