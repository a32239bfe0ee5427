import type { ErrorCode } from "@skein/errors";
import type { Metrics } from "@skein/telemetry";

/** How a call ended: the code of its error, whatever words its transport has for it. */
export type CallCode = ErrorCode | "ok";

/**
 * Starts the clock of one call; the function that it gives stops it. Every transport times its calls by this, each
 * only those to methods that exist, so that nobody invents labels. Streams and subscriptions are not timed.
 */
export type RpcTimer = (transport: "grpc" | "rest" | "trpc", method: string) => (code: CallCode) => void;

/** `method` is `package.Service/Method`, over REST as well, or the path of a tRPC procedure. */
export function createRpcTimer(metrics: Metrics): RpcTimer {
  const seconds = metrics.histogram({
    name: "skein_rpc_seconds",
    help: "Calls by transport, method and how they ended",
    labels: ["transport", "method", "code"],
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 30],
  });
  return (transport, method) => {
    const stop = seconds.startTimer({ transport, method });
    return (code) => void stop({ code });
  };
}
