import { type AttemptOrder, attemptKey } from "@skein/contracts";
import { openQueues, type Queues, type TakenOrder } from "@skein/queue";
import { INSTALL_REDIS, requireTool, seededRandom, startPostgres, startRedis, waitFor } from "@skein/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { OrderDesk } from "./order-desk.ts";

interface Server {
  readonly where: { readonly redisUrl?: string; readonly postgresUrl?: string };
  close(): Promise<void>;
}

const BACKENDS: [string, () => Promise<Server>][] = [
  ...(requireTool("redis-server", INSTALL_REDIS)
    ? [
        [
          "Redis",
          async () => {
            const redis = await startRedis();
            return { where: { redisUrl: redis.url }, close: () => redis.close() };
          },
        ] satisfies [string, () => Promise<Server>],
      ]
    : []),
  [
    "Postgres",
    async () => {
      const postgres = await startPostgres();
      return { where: { postgresUrl: postgres.url }, close: () => postgres.close() };
    },
  ],
];
const LONG = { timeoutMs: 25_000 };

describe.each(BACKENDS)("orders from %s", (_, startServer) => {
  let server: Server;
  let queues: Queues;
  let desks: Desk[] = [];
  let tests = 0;
  let orders = 0;

  beforeAll(async () => {
    server = await startServer();
  });
  beforeEach(async () => {
    tests += 1;
    queues = await openQueues({ ...server.where, prefix: `t${tests}`, onError: () => undefined });
  });
  afterEach(async () => {
    for (const { desk } of desks) desk.stop();
    desks = [];
    await queues.close();
  });
  afterAll(() => server.close());

  const newOrder = (cpus: number, change: Partial<AttemptOrder> = {}): AttemptOrder => {
    orders += 1;
    return {
      runId: `01990000-0000-7000-8000-${String(orders).padStart(12, "0")}`,
      ordinal: 2,
      attempt: 0,
      kind: "container",
      shard: 0,
      token: "t".repeat(43),
      resources: { cpuMillis: cpus * 1000, memoryMiB: 0, gpus: 0 },
      ...change,
    };
  };
  const publish = (...list: AttemptOrder[]) => queues.publishOrders("default", "slot", list);

  /** An agent's desk, whose tasks run until the test ends them. */
  interface Desk {
    readonly desk: OrderDesk;
    readonly begun: string[];
    readonly returned: string[];
    busiest: number;
    end(order: AttemptOrder): void;
  }
  const openDesk = async (name: string, cpus: number, onBegun?: (taken: TakenOrder) => void): Promise<Desk> => {
    const ends = new Map<string, () => void>();
    const one: Desk = {
      begun: [],
      returned: [],
      busiest: 0,
      end: (order) => ends.get(attemptKey(order))?.(),
      desk: new OrderDesk({
        agentId: name,
        taker: await queues.openOrderTaker("default"),
        capacity: { slots: 20, cpuMillis: cpus * 1000, memoryMiB: 0, gpus: 0 },
        run: async (taken) => {
          await taken.settle();
          const ended = new Promise<void>((resolve) => ends.set(attemptKey(taken.order), resolve));
          one.begun.push(attemptKey(taken.order));
          one.busiest = Math.max(one.busiest, one.desk.room.used.cpuMillis / 1000);
          onBegun?.(taken);
          await ended;
        },
        onError: (error) => expect.unreachable(String(error)),
        onChange: () => undefined,
        onReturned: (why) => one.returned.push(why),
      }),
    };
    desks.push(one);
    return one;
  };
  const has = (desk: Desk, order: AttemptOrder) => desk.begun.includes(attemptKey(order));

  test("what does not fit now goes to an agent that has room, and waits for its turn where there is none", async () => {
    const [full, free] = [await openDesk("full", 4), await openDesk("free", 4)];
    const [first, second, third] = [newOrder(3), newOrder(3), newOrder(3)];
    full.desk.start();
    await publish(first);
    await waitFor(() => has(full, first));
    await publish(second);
    await waitFor(() => full.returned.includes("full"));
    free.desk.start();
    await waitFor(() => has(free, second), LONG);
    await publish(third);
    await waitFor(() => full.desk.waitingSeconds > 0 || free.desk.waitingSeconds > 0, LONG);
    full.end(first);
    await waitFor(() => has(full, third) || has(free, third), LONG);
    expect(full.begun.length + free.begun.length).toBe(3);
  });

  test("a large order is passed by small ones for a moment only", async () => {
    const large = newOrder(4);
    let smallBegun = 0;
    const running: AttemptOrder[] = [];
    const desk = await openDesk("busy", 4, ({ order }) => {
      if (attemptKey(order) === attemptKey(large)) return;
      smallBegun += 1;
      running.push(order);
      // There is always one more, and one ends only when another has begun.
      void publish(newOrder(1));
      if (running.length > 2) desk.end(running.shift() as AttemptOrder);
    });
    desk.desk.start();
    await publish(newOrder(1), newOrder(1), newOrder(1));
    await waitFor(() => smallBegun > 3);
    await publish(large);
    await waitFor(() => desk.desk.waitingSeconds > 0);
    const before = smallBegun;
    await waitFor(() => desk.desk.waitingSeconds > 5, LONG);
    expect(smallBegun).toBeGreaterThan(before);
    const endAll = () => {
      for (const order of running.splice(0)) desk.end(order);
    };
    await waitFor(() => {
      endAll();
      return has(desk, large);
    }, LONG);
    expect(desk.busiest).toBe(4);
  });

  test("what is too large for one agent finds another, and keeps nobody from his work", async () => {
    const [small, large] = [await openDesk("small", 2), await openDesk("large", 8)];
    const [huge, next] = [newOrder(6), newOrder(6)];
    small.desk.start();
    await publish(huge, newOrder(1), newOrder(1));
    await waitFor(() => small.begun.length === 2 && small.returned.includes("too_large"));
    large.desk.start();
    await waitFor(() => has(large, huge), LONG);
    await publish(next);
    await waitFor(() => large.desk.waitingSeconds > 0, LONG);
    large.end(huge);
    await waitFor(() => has(large, next), LONG);
    expect(small.begun).toHaveLength(2);
  });

  test("a cordoned desk gives back what waits and takes nothing until it is opened again", async () => {
    const [first, second] = [await openDesk("first", 4), await openDesk("second", 4)];
    const [running, waiting, later] = [newOrder(3), newOrder(3), newOrder(1)];
    first.desk.start();
    await publish(running);
    await waitFor(() => has(first, running));
    await publish(waiting);
    await waitFor(() => first.desk.waitingSeconds > 0);
    first.desk.cordon(true);
    await waitFor(() => first.desk.waitingSeconds === 0);
    second.desk.start();
    await waitFor(() => has(second, waiting));
    second.desk.cordon(true);
    await publish(later);
    expect(
      await queues.openOrderTaker("default").then((taker) => taker.take(AbortSignal.timeout(5_000))),
    ).toBeDefined();
    expect([...first.begun, ...second.begun]).not.toContain(attemptKey(later));
    first.desk.cordon(false);
    await publish(newOrder(1));
    await waitFor(() => first.begun.length === 2, LONG);
  });

  test("of many orders of all sizes each is begun once, and no agent holds more than it has", async () => {
    const random = seededRandom(7);
    const ended = (desk: () => Desk) => (taken: TakenOrder) =>
      void setTimeout(() => desk().end(taken.order), random.below(30));
    const a: Desk = await openDesk(
      "a",
      4,
      ended(() => a),
    );
    const b: Desk = await openDesk(
      "b",
      8,
      ended(() => b),
    );
    const sent = Array.from({ length: 80 }, () => newOrder(random.below(9)));
    await publish(...sent);
    a.desk.start();
    b.desk.start();
    await waitFor(() => a.begun.length + b.begun.length >= sent.length, LONG);
    expect([...a.begun, ...b.begun].sort()).toEqual(sent.map(attemptKey).sort());
    expect(a.busiest).toBeLessThanOrEqual(4);
    expect(b.busiest).toBeLessThanOrEqual(8);
  });
});
