import type { Metrics } from "@skein/telemetry";
import type { FastifyInstance } from "fastify";
import type { SystemService } from "../../system.ts";
import type { Access } from "../access.ts";
import { openApi } from "../rest/open-api.ts";
import type { BoundService } from "../rpcs.ts";
import { guarded } from "./guarded.ts";

/** Liveness, readiness, metrics and the REST API's description. */
export function mountSystemRoutes(
  app: FastifyInstance,
  options: {
    readonly access: Access;
    readonly metrics: Metrics;
    readonly system: SystemService;
    readonly bound: readonly BoundService[];
  },
): void {
  const { access, metrics, system, bound } = options;
  const alive = { status: "ok" };
  app.get(
    "/healthcheck",
    guarded(access, "GET /healthcheck", () => alive),
  );
  app.get(
    "/healthz",
    guarded(access, "GET /healthz", () => alive),
  );
  app.get(
    "/livez",
    guarded(access, "GET /livez", () => alive),
  );
  app.get(
    "/readyz",
    guarded(access, "GET /readyz", async (_request, reply) => {
      if (await system.isReady()) return { status: "ready" };
      return reply.status(503).send({ status: "not ready" });
    }),
  );
  app.get(
    "/metrics",
    guarded(access, "GET /metrics", async (_request, reply) =>
      reply.type(metrics.contentType).send(await metrics.read()),
    ),
  );
  app.get(
    "/api/v1/openapi",
    guarded(access, "GET /api/v1/openapi", () => openApi(bound, system.version.version)),
  );
}
