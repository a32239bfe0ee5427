import type { ConnectRouter } from "@connectrpc/connect";
import { CacheService } from "@skein/idl/cacheservice";
import { DataCatalog } from "@skein/idl/datacatalog";
import {
  AdminService,
  AuthMetadataService,
  DataProxyService,
  Health,
  IdentityService,
  ServerReflectionV1,
  ServerReflectionV1Alpha,
  SignalService,
} from "@skein/idl/service";
import type { Logger, Metrics } from "@skein/telemetry";
import { authMetadataHandlers, identityHandlers } from "./auth/auth-metadata.ts";
import type { Discovery } from "./auth/discovery.ts";
import { cacheServiceHandlers } from "./catalog/cache-service-handlers.ts";
import { dataCatalogHandlers } from "./catalog/data-catalog-handlers.ts";
import { dataProxyHandlers } from "./data-proxy/data-proxy-handlers.ts";
import type { Access } from "./edge/access.ts";
import { createPublishError, type PublishError } from "./edge/errors.ts";
import { healthService } from "./edge/grpc/health.ts";
import { createGrpcListener, type Http2Listener } from "./edge/grpc/listener.ts";
import { reflectionService } from "./edge/grpc/reflection.ts";
import { createHttpApp } from "./edge/http/app.ts";
import { openOnePort } from "./edge/one-port.ts";
import { createRpcTimer } from "./edge/rpc-timer.ts";
import { type BoundService, bindService } from "./edge/rpcs.ts";
import type { TlsFiles } from "./edge/tls-front.ts";
import { adminHandlers } from "./flyte1/admin.ts";
import { signalHandlers } from "./flyte1/signal-handlers.ts";
import type { ServiceContext } from "./trpc/base.ts";

export interface ServerOptions extends ServiceContext {
  readonly access: Access;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** The identity provider that login metadata points to. */
  readonly discovery: Discovery | undefined;
  readonly audience: string | undefined;
  readonly publicUrl: () => string;
  readonly messageBytesMax: number;
  readonly host: string;
  readonly tls: TlsFiles | undefined;
  readonly ports: readonly number[];
}

export interface ApiServer {
  readonly ports: readonly number[];
  /** Ends subscriptions at once, lets other calls end for up to `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Puts every transport in front of the same services, behind the same permissions, on each port. */
export async function openServer(options: ServerOptions): Promise<ApiServer> {
  const { access, services, system } = options;
  const publishError = createPublishError(options.logger);
  const startTimer = createRpcTimer(options.metrics);
  const shutdown = new AbortController();
  const bound = bindServices(options);
  const grpc = createGrpcListener({
    access,
    publishError,
    startTimer,
    services: bound,
    streaming: streamingServices(options, publishError, bound),
    messageBytesMax: options.messageBytesMax,
    shutdownSignal: shutdown.signal,
  });
  const http = await createHttpApp({
    ...options,
    publishError,
    startTimer,
    bound,
    storage: services.storage,
    shutdown: shutdown.signal,
  });
  const isGrpc = (contentType: string | undefined): boolean => contentType?.startsWith("application/grpc") ?? false;
  const http2: Http2Listener = (request, response) => {
    if (isGrpc(request.headers["content-type"])) grpc(request, response);
    else http.http2Listener(request, response);
  };
  const { host, ports, tls, logger } = options;
  const port = await openOnePort({ host, ports, ...(tls && { tls: { ...tls, logger } }), http1: http.listener, http2 });
  return {
    ports: port.ports,
    close: async (graceMs) => {
      system.stopBeingReady();
      shutdown.abort();
      await port.close(graceMs);
      await http.close();
    },
  };
}

function bindServices({ services, discovery, audience, publicUrl }: ServerOptions): BoundService[] {
  return [
    bindService(AdminService, adminHandlers(services)),
    bindService(DataProxyService, dataProxyHandlers(services)),
    bindService(SignalService, signalHandlers(services)),
    bindService(DataCatalog, dataCatalogHandlers(services.catalog)),
    bindService(CacheService, cacheServiceHandlers(services.catalog, services.storage)),
    bindService(AuthMetadataService, authMetadataHandlers({ discovery, audience, publicUrl })),
    bindService(IdentityService, identityHandlers()),
  ];
}

function streamingServices(
  { system }: ServerOptions,
  publishError: PublishError,
  bound: readonly BoundService[],
): (router: ConnectRouter) => void {
  const own = bound.map(({ service }) => service);
  const serviceNames = own.map(({ typeName }) => typeName);
  const health = healthService({ publishError, serviceNames, isReady: system.isReady });
  const services = [...own, Health, ServerReflectionV1, ServerReflectionV1Alpha];
  const reflection = reflectionService({ publishError, services });
  return (router) => {
    router.service(Health, health);
    router.service(ServerReflectionV1, reflection);
    router.service(ServerReflectionV1Alpha, reflection);
  };
}
