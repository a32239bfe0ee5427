import { type FastifyTRPCPluginOptions, fastifyTRPCPlugin } from "@trpc/server/adapters/fastify";
import type { FastifyInstance } from "fastify";
import type { TrpcContext } from "../../trpc/base.ts";
import { type AppRouter, appRouter } from "../../trpc/router.ts";
import { headOf } from "./head.ts";

/** More procedures in one HTTP request than any client of ours batches. */
const BATCH_MAX = 50;

/** The typed API at `/trpc`. */
export function mountTrpc(
  app: FastifyInstance,
  options: Omit<TrpcContext, "head"> & { readonly shutdown: AbortSignal },
): void {
  const { access, publishError, startTimer, services, agents, logs, watchRun, system, shutdown } = options;
  const plugin: FastifyTRPCPluginOptions<AppRouter> = {
    prefix: "/trpc",
    trpcOptions: {
      router: appRouter,
      maxBatchSize: BATCH_MAX,
      createContext: ({ req, res }) => {
        const head = headOf(req, res);
        const signal = AbortSignal.any([head.signal, shutdown]);
        return {
          services,
          agents,
          logs,
          watchRun,
          system,
          access,
          publishError,
          startTimer,
          head: { ...head, signal },
        };
      },
    },
  };
  app.register(fastifyTRPCPlugin, plugin);
}
