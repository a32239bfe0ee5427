import { expect, test } from "vitest";
import { createMetrics } from "./metrics.ts";
import { openMetricsServer } from "./metrics-server.ts";

test("a process without a server of its own tells its metrics and its health", async () => {
  const metrics = createMetrics({ defaults: false });
  metrics.counter({ name: "skein_test_total", help: "Tests" }).inc(2);
  let problem: string | undefined;
  let stuck: string | undefined;
  const answers = { problem: () => problem, stuck: () => stuck };
  const server = await openMetricsServer({ host: "127.0.0.1", port: 0, metrics, ...answers });
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
    return [response.status, await response.text()];
  };
  expect((await get("/metrics"))[1]).toContain("skein_test_total 2");
  expect(await get("/healthz")).toEqual([200, "ok\n"]);
  problem = "no database";
  expect(await get("/readyz")).toEqual([503, "no database"]);
  expect(await get("/livez")).toEqual([200, "ok\n"]);
  stuck = "a loop does not end";
  for (const path of ["/livez", "/healthz"]) expect(await get(path)).toEqual([503, "a loop does not end"]);
  expect((await get("/else"))[0]).toBe(404);
  await server.close();
});
