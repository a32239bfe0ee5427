import { setTimeout as delay } from "node:timers/promises";
import type { ServiceImpl } from "@connectrpc/connect";
import { SkeinError } from "@skein/errors";
import { Health, HealthCheckResponse_ServingStatus as Status } from "@skein/idl/service";
import type { Call } from "../../call.ts";
import { type PublishError, toConnectError } from "../errors.ts";
import { permissionRow } from "../rpcs.ts";
import { CALL, callOf, publishErrors } from "./listener.ts";

const WATCH_INTERVAL_MS = 1_000;

/** gRPC's health protocol. `isReady` answers for the server as a whole; every service of ours shares its state. */
export function healthService(options: {
  readonly publishError: PublishError;
  readonly serviceNames: readonly string[];
  readonly isReady: () => Promise<boolean>;
}): ServiceImpl<typeof Health> {
  const known = new Set(["", ...options.serviceNames]);
  const readStatus = async () => ((await options.isReady()) ? Status.SERVING : Status.NOT_SERVING);
  return {
    async check({ service }, context) {
      const call = callOf(context.values.get(CALL));
      try {
        call.authorize(permissionRow(Health.method.check).permission, {});
        if (known.has(service)) return { status: await readStatus() };
        throw new SkeinError("not_found", "service_unknown", `This server has no service ${service}.`);
      } catch (error) {
        throw toConnectError(options.publishError(error, call.correlationId));
      }
    },
    watch({ service }, context) {
      const call = callOf(context.values.get(CALL));
      return publishErrors(statuses(call, service, context.signal), call, options.publishError);
    },
  };

  async function* statuses(call: Call, service: string, signal: AbortSignal) {
    call.authorize(permissionRow(Health.method.watch).permission, {});
    let sent: Status | undefined;
    while (!signal.aborted) {
      const status = known.has(service) ? await readStatus() : Status.SERVICE_UNKNOWN;
      if (status !== sent) yield { status };
      sent = status;
      await delay(WATCH_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
