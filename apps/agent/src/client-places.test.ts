import { expect, test } from "vitest";
import { ClientPlaces } from "./client-places.ts";

const newWork = () => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  return { work: () => promise, end: resolve, fail: reject };
};
const isSettled = async (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([promise.then(() => true), new Promise<false>((resolve) => setImmediate(() => resolve(false)))]);

test("work leaves its slot while there is room, and keeps it when there is none", async () => {
  const places = new ClientPlaces(1);
  const [first, second, third] = [newWork(), newWork(), newWork()];
  await places.run(first.work, () => undefined);
  const slot = places.run(second.work, () => undefined);
  expect(await isSettled(slot)).toBe(false);
  second.end();
  await slot;
  first.end();
  await places.whenEmpty();
  await places.run(third.work, () => undefined);
  third.end();
});

test("whoever waits for the end waits for all, and hears of what went wrong", async () => {
  const places = new ClientPlaces(2);
  const errors: unknown[] = [];
  const [good, bad] = [newWork(), newWork()];
  await places.run(good.work, (error) => errors.push(error));
  await places.run(bad.work, (error) => errors.push(error));
  const empty = places.whenEmpty();
  bad.fail(new Error("broken"));
  expect(await isSettled(empty)).toBe(false);
  good.end();
  await empty;
  expect(errors).toEqual([new Error("broken")]);
});
