import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Metrics } from "./metrics.ts";

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

export interface MetricsServerOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly metrics: Metrics;
  /** Undefined when all is well, else what keeps the process from its work. Answers `/readyz`. */
  readonly problem: () => string | undefined;
  /** What only a restart mends; undefined otherwise. Answers `/livez`, and `/healthz`, which is the same. */
  readonly stuck?: () => string | undefined;
}

/** Serves `/metrics`, `/livez`, `/healthz` and `/readyz` for processes that have no other server. */
export async function openMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").split("?")[0];
    if (path === "/metrics") {
      options.metrics.read().then(
        (text) => response.writeHead(200, { "content-type": options.metrics.contentType }).end(text),
        () => response.writeHead(500).end(),
      );
    } else if (path === "/livez" || path === "/healthz" || path === "/readyz") {
      const problem = path === "/readyz" ? options.problem() : options.stuck?.();
      response.writeHead(problem === undefined ? 200 : 503, { "content-type": "text/plain" }).end(problem ?? "ok\n");
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, () => resolve());
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
