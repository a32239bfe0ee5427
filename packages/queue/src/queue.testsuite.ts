import { type AttemptOrder, type AttemptReport, attemptKey } from "@skein/contracts";
import { waitFor } from "@skein/testing";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openQueues, type Queues } from "./index.ts";

/** A running database for the queue, and what the suite may do to it. */
export interface QueueServer {
  readonly where: { readonly redisUrl?: string; readonly postgresUrl?: string };
  /** Loses everything in the queue. */
  wipe(): Promise<void>;
  /** Breaks every connection; the server is back when it resolves. */
  interrupt(): Promise<void>;
  /** Connections that other processes or we hold. */
  countConnections(): Promise<number>;
  close(): Promise<void>;
}

let runs = 0;
const order = (ordinal = 2, attempt = 0): AttemptOrder => ({
  runId: `01990000-0000-7000-8000-${String(++runs).padStart(12, "0")}`,
  ordinal,
  attempt,
  kind: "echo",
  shard: 0,
  token: "t".repeat(43),
});
const report = (of: AttemptOrder): AttemptReport => ({
  runId: of.runId,
  ordinal: of.ordinal,
  attempt: of.attempt,
  token: of.token,
  agentId: "agent-1",
  outcome: { type: "started", startedAtMs: 1 },
});
const orders = (count: number): AttemptOrder[] => Array.from({ length: count }, () => order());

/** The contract of `Queues`, the same for each database that BullMQ can live in. */
export function describeQueues(start: () => Promise<QueueServer>): void {
  let server: QueueServer;
  let opened: Queues[] = [];
  let prefixes = 0;
  let prefix = "";

  beforeAll(async () => {
    server = await start();
  });
  afterEach(async () => {
    await Promise.all(opened.map((queues) => queues.close()));
    opened = [];
  });
  afterAll(() => server?.close());

  const open = async (): Promise<Queues> => {
    const queues = await openQueues({ ...server.where, prefix, onError: () => undefined });
    opened.push(queues);
    return queues;
  };
  const fresh = (): Promise<Queues> => {
    prefixes += 1;
    prefix = `test${prefixes}`;
    return open();
  };

  test("every instant order reaches a handler once, even when they come by the hundred", async () => {
    const [agent, scheduler] = [await fresh(), await open()];
    const seen: string[] = [];
    await agent.consumeInstant("default", { concurrency: 10 }, async (one) => void seen.push(attemptKey(one)));
    const sent = orders(300);
    await scheduler.publishOrders("default", "instant", sent);
    await waitFor(() => seen.length >= 300);
    expect(new Set(seen)).toEqual(new Set(sent.map(attemptKey)));
    expect(seen).toHaveLength(300);
  });

  test("an order published twice while it waits is taken once", async () => {
    const queues = await fresh();
    const [one, two] = [order(), order()];
    await queues.publishOrders("default", "slot", [one]);
    await queues.publishOrders("default", "slot", [one, two]);
    const taker = await queues.openOrderTaker("default");
    const first = await taker.take(AbortSignal.timeout(5_000));
    const second = await taker.take(AbortSignal.timeout(5_000));
    expect([first?.order, second?.order]).toEqual([one, two]);
    expect(await taker.take(AbortSignal.timeout(200))).toBeUndefined();
  });

  test("a taker holds no more orders than were asked for", async () => {
    const queues = await fresh();
    const greedy = await queues.openOrderTaker("default");
    const idle = await queues.openOrderTaker("default");
    const sent = orders(3);
    const waiting = [greedy.take(AbortSignal.timeout(5_000)), greedy.take(AbortSignal.timeout(5_000))];
    await queues.publishOrders("default", "slot", sent);
    const taken = await Promise.all(waiting);
    const rest = await idle.take(AbortSignal.timeout(5_000));
    expect(new Set([...taken, rest].map((one) => one && attemptKey(one.order)))).toEqual(new Set(sent.map(attemptKey)));
  });

  test("an order that came after its taker gave up goes to another one", async () => {
    const queues = await fresh();
    const gone = await queues.openOrderTaker("default");
    const given = new AbortController();
    const pending = gone.take(given.signal);
    given.abort();
    expect(await pending).toBeUndefined();
    const sent = order();
    await queues.publishOrders("default", "slot", [sent]);
    const next = await queues.openOrderTaker("default");
    expect((await next.take(AbortSignal.timeout(5_000)))?.order).toEqual(sent);
  });

  test("a settled order is gone, one whose taker closed comes back", async () => {
    const queues = await fresh();
    const [settled, kept] = [order(), order()];
    await queues.publishOrders("default", "slot", [settled, kept]);
    const first = await queues.openOrderTaker("default");
    const done = await first.take(AbortSignal.timeout(5_000));
    await first.take(AbortSignal.timeout(5_000));
    await done?.settle();
    await first.close();
    const second = await queues.openOrderTaker("default");
    expect((await second.take(AbortSignal.timeout(5_000)))?.order).toEqual(kept);
    expect(await second.take(AbortSignal.timeout(200))).toBeUndefined();
  });

  test("an order given back comes next, as its taker changed it; one put last comes after all others", async () => {
    const queues = await fresh();
    const [one, two, three] = [order(), order(), order()];
    await queues.publishOrders("default", "slot", [one, two, three]);
    const [here, there] = [await queues.openOrderTaker("default"), await queues.openOrderTaker("default")];
    const next = (from = there) => from.take(AbortSignal.timeout(5_000));
    await (await next(here))?.putLast();
    const changed = { ...two, offered: { agentId: "here", untilMs: 1 } };
    const taken = await next(here);
    expect(taken?.order).toEqual(two);
    await taken?.giveBack(changed);
    // What was given away is no longer his who gave it.
    await taken?.settle();
    const others = [await next(), await next(), await next()];
    expect(others.map((one) => one?.order)).toEqual([changed, three, one]);
    for (const other of others) await other?.settle();
    expect(await there.take(AbortSignal.timeout(200))).toBeUndefined();
  });

  test("an unsettled order stays with its taker for longer than a lock lasts", async () => {
    const queues = await fresh();
    await queues.publishOrders("default", "slot", [order()]);
    const holder = await queues.openOrderTaker("default");
    expect(await holder.take(AbortSignal.timeout(5_000))).toBeDefined();
    const other = await queues.openOrderTaker("default");
    expect(await other.take(AbortSignal.timeout(5_500))).toBeUndefined();
  });

  test("reports sent one by one at the same time arrive in few calls", async () => {
    const queues = await fresh();
    const batches: (readonly AttemptReport[])[] = [];
    await queues.consumeReports(3, async (reports) => void batches.push(reports));
    const sent = orders(150).map(report);
    await Promise.all(sent.map((one) => queues.sendReports(3, [one])));
    await waitFor(() => batches.flat().length >= 150);
    expect(new Set(batches.flat().map(attemptKey))).toEqual(new Set(sent.map(attemptKey)));
    expect(batches.length).toBeLessThan(10);
  });

  test("reports go to the consumer of their shard only", async () => {
    const queues = await fresh();
    const seen: [number, string][] = [];
    await queues.consumeReports(0, async (reports) => void seen.push([0, attemptKey(reports[0] as AttemptReport)]));
    await queues.consumeReports(1, async (reports) => void seen.push([1, attemptKey(reports[0] as AttemptReport)]));
    const one = report(order());
    await queues.sendReports(1, [one]);
    await waitFor(() => seen.length > 0);
    expect(seen).toEqual([[1, attemptKey(one)]]);
  });

  test("reports whose consumer ended without an answer come back within five seconds", async () => {
    const [agent, doomed] = [await fresh(), await open()];
    let wasTaken = false;
    const stuck = new Promise<void>(() => undefined);
    await doomed.consumeReports(0, () => {
      wasTaken = true;
      return stuck;
    });
    const one = report(order());
    await agent.sendReports(0, [one]);
    await waitFor(() => wasTaken);
    await doomed.close();
    const seen: AttemptReport[] = [];
    await (await open()).consumeReports(0, async (reports) => void seen.push(...reports));
    await waitFor(() => seen.length > 0, { timeoutMs: 5_000 });
    expect(seen).toEqual([one]);
  });

  test("reports that a handler refused come again, and those of a stuck one after its consumer closed", async () => {
    const queues = await fresh();
    let calls = 0;
    const stuck = await queues.consumeReports(0, () => {
      calls += 1;
      return calls === 1 ? Promise.reject(new Error("no database")) : new Promise<void>(() => undefined);
    });
    const one = report(order());
    await queues.sendReports(0, [one]);
    await waitFor(() => calls === 2);
    await stuck.close();
    const seen: AttemptReport[] = [];
    await queues.consumeReports(0, async (reports) => void seen.push(...reports));
    await waitFor(() => seen.length > 0, { timeoutMs: 6_000 });
    expect(seen).toEqual([one]);
  });

  test("a queue that lost everything works on", async () => {
    const queues = await fresh();
    const seen: string[] = [];
    await queues.consumeReports(0, async (reports) => void seen.push(...reports.map(attemptKey)));
    const taker = await queues.openOrderTaker("default");
    await queues.publishOrders("default", "slot", [order()]);
    await server.wipe();
    const [one, two] = [report(order()), order()];
    await queues.sendReports(0, [one]);
    await queues.publishOrders("default", "slot", [two]);
    await waitFor(() => seen.includes(attemptKey(one)));
    await waitFor(async () => {
      const taken = await taker.take(AbortSignal.timeout(1_000));
      return taken && attemptKey(taken.order) === attemptKey(two);
    });
  });

  test("consumers come back after the server was away", async () => {
    const queues = await fresh();
    const [seen, echoed]: [string[], string[]] = [[], []];
    await queues.consumeReports(0, async (reports) => void seen.push(...reports.map(attemptKey)));
    await queues.consumeInstant("default", { concurrency: 5 }, async (one) => void echoed.push(attemptKey(one)));
    const taker = await queues.openOrderTaker("default");
    const waiting = taker.take(AbortSignal.timeout(20_000));
    await server.interrupt();
    const [one, two, three] = [report(order()), order(), order()];
    await waitFor(() => queues.sendReports(0, [one]).then(() => true), { timeoutMs: 15_000 });
    await waitFor(() => queues.publishOrders("default", "instant", [two]).then(() => true), { timeoutMs: 15_000 });
    await waitFor(() => queues.publishOrders("default", "slot", [three]).then(() => true), { timeoutMs: 15_000 });
    await waitFor(() => seen.includes(attemptKey(one)) && echoed.includes(attemptKey(two)), { timeoutMs: 15_000 });
    expect((await waiting)?.order).toEqual(three);
  });

  test("a check answers while the server is there and fails once the connection is gone", async () => {
    const queues = await fresh();
    await queues.check();
    await queues.close();
    await expect(queues.check()).rejects.toThrow();
  });

  test("closing leaves no connection and takes less than three seconds", async () => {
    const before = await server.countConnections();
    const queues = await fresh();
    await queues.consumeReports(0, async () => undefined);
    const taker = await queues.openOrderTaker("default");
    const waiting = taker.take(AbortSignal.timeout(20_000));
    await queues.publishOrders("default", "instant", [order()]);
    expect(await server.countConnections()).toBeGreaterThan(before);
    const start = performance.now();
    await queues.close();
    expect(performance.now() - start).toBeLessThan(3_000);
    expect(await waiting).toBeUndefined();
    await waitFor(async () => (await server.countConnections()) <= before);
  });
}
