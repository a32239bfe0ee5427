import { freePort, INSTALL_REDIS, requireTool, waitFor } from "@skein/testing";
import { afterEach, expect, test } from "vitest";
import { openWorld, type World } from "./test-world.ts";

let world: World;
afterEach(() => world.close());

test.skipIf(!requireTool("redis-server", INSTALL_REDIS))(
  "a scheduler that reaches neither database nor queue says so, and is well again when they are back",
  { timeout: 60_000 },
  async () => {
    world = await openWorld("redis");
    const port = await freePort();
    const scheduler = await world.startScheduler({ SKEIN_METRICS_PORT: String(port), SKEIN_SHARDS: "1" });
    const ask = async (path = "/readyz") => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return { status: response.status, text: await response.text() };
    };
    await waitFor(() => scheduler.ownedShards().length === 1);
    expect(await ask()).toEqual({ status: 200, text: "ok\n" });

    const process = world.redis?.process();
    const client = await world.database.pool.connect();
    await client.query("begin");
    await client.query("lock table shards in access exclusive mode");
    process?.kill("SIGSTOP");
    try {
      await waitFor(async () => /database.*lease.*queue/.test((await ask()).text), { timeoutMs: 20_000 });
      expect(await ask("/livez")).toEqual({ status: 200, text: "ok\n" });
      expect(await ask()).toEqual({
        status: 503,
        text: expect.stringMatching(
          /^The database has not answered for 1\d s\. No lease on shards could be renewed for 1\d s\. The queue has not answered for 1\d s\.$/,
        ),
      });
    } finally {
      process?.kill("SIGCONT");
      await client.query("rollback");
      client.release();
    }
    await waitFor(async () => (await ask()).status === 200, { timeoutMs: 20_000 });
  },
);
