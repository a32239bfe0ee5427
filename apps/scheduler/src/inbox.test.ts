import { expect, test } from "vitest";
import { type Fact, Inbox } from "./inbox.ts";

const fact = (atMs: number): Fact => ({ event: { type: "runStarted", atMs } });
const timesOf = (facts: readonly Fact[] | undefined) => facts?.map(({ event }) => event.atMs);

test("facts of one run leave together, in the order they came", () => {
  const inbox = new Inbox(() => undefined);
  inbox.add("a", [fact(1)]);
  inbox.add("b", [fact(2)]);
  inbox.add("a", [fact(3)]);
  const work = inbox.take(25);
  expect(work.map(({ runId, facts }) => [runId, timesOf(facts)])).toEqual([
    ["a", [1, 3]],
    ["b", [2]],
  ]);
});

test("a taken run is not given out again before it is released", () => {
  let wakeUps = 0;
  const inbox = new Inbox(() => {
    wakeUps += 1;
  });
  inbox.add("a", [fact(1)]);
  inbox.take(25);
  inbox.add("a", [fact(2)]);
  expect([inbox.take(25), inbox.hasReady, wakeUps]).toEqual([[], false, 1]);
  inbox.release("a");
  expect([timesOf(inbox.take(25)[0]?.facts), wakeUps]).toEqual([[2], 2]);
});

test("facts to be tried again stay before those that came meanwhile", async () => {
  const woken = Promise.withResolvers<void>();
  let count = 0;
  const inbox = new Inbox(() => {
    count += 1;
    if (count === 2) woken.resolve();
  });
  inbox.add("a", [fact(1)]);
  const [work] = inbox.take(1);
  inbox.add("a", [fact(2)]);
  if (work) inbox.retryLater(work, 1);
  expect(inbox.take(1)).toEqual([]);
  await woken.promise;
  expect(timesOf(inbox.take(1)[0]?.facts)).toEqual([1, 2]);
});
