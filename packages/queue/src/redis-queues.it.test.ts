import { INSTALL_REDIS, requireTool, startRedis } from "@skein/testing";
import { Redis } from "ioredis";
import { describe } from "vitest";
import { describeQueues } from "./queue.testsuite.ts";

describe.skipIf(!requireTool("redis-server", INSTALL_REDIS))("the queue on Redis", () => {
  describeQueues(async () => {
    const redis = await startRedis();
    const ask = async <T>(question: (client: Redis) => Promise<T>): Promise<T> => {
      const client = new Redis(redis.url);
      try {
        return await question(client);
      } finally {
        client.disconnect();
      }
    };
    return {
      where: { redisUrl: redis.url },
      wipe: () => ask(async (client) => void (await client.flushall())),
      interrupt: () => redis.restart(),
      countConnections: () =>
        ask(
          async (client) =>
            String(await client.call("CLIENT", "LIST"))
              .trim()
              .split("\n").length,
        ),
      close: () => redis.close(),
    };
  });
});
