import { expect, test } from "vitest";
import { createMetrics } from "./metrics.ts";
import { openMetricsServer } from "./metrics-server.ts";

test("a process without a server of its own tells its metrics and its health", async () => {
  const metrics = createMetrics({ defaults: false });
  metrics.counter({ name: "skein_test_total", help: "Tests" }).inc(2);
  let problem: string | undefined;
  const server = await openMetricsServer({ host: "127.0.0.1", port: 0, metrics, problem: () => problem });
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
    return [response.status, await response.text()];
  };
  expect((await get("/metrics"))[1]).toContain("skein_test_total 2");
  expect(await get("/healthz")).toEqual([200, "ok\n"]);
  problem = "no database";
  expect(await get("/readyz")).toEqual([503, "no database"]);
  expect((await get("/else"))[0]).toBe(404);
  await server.close();
});
