import type { Storage } from "@skein/storage";
import type { Logger } from "@skein/telemetry";
import { ClientPlaces } from "../client-places.ts";
import type { Host, Hosts } from "../hosts.ts";
import { readTaskTemplate } from "../task/prepare-launch.ts";
import { ConnectorClient } from "./connector-client.ts";
import type { ConnectorConfig, ConnectorMethod } from "./connector-config.ts";
import { connectorPlace } from "./connector-place.ts";
import { readRecord } from "./connector-record.ts";
import { ConnectorRegistry } from "./connector-registry.ts";
import { ConnectorRuntime } from "./connector-runtime.ts";
import { prepareConnectorLaunch } from "./connector-task.ts";

export interface OpenConnectorsOptions {
  readonly connectors: readonly ConnectorConfig[];
  readonly slots: number;
  readonly storage: Storage;
  readonly logger: Logger;
  readonly onCall: (connector: string, method: ConnectorMethod, code: string) => void;
}

export interface Connectors {
  /** `own`, and connectors for the tasks that they serve. */
  hosts(own: Host): Hosts;
  /** Holds tasks that connectors do in one call, which no later process can take over. */
  readonly calls: ClientPlaces;
  close(): Promise<void>;
}

/** Begins to ask the connectors what they serve. */
export function openConnectors(options: OpenConnectorsOptions): Connectors {
  const { connectors, slots, storage, logger, onCall } = options;
  const registry = new ConnectorRegistry(
    connectors.map((config) => new ConnectorClient(config, onCall)),
    logger,
  );
  const runtime = new ConnectorRuntime({ registry, storage, logger });
  const place = connectorPlace(storage);
  const base = { runtime, place, prepare: prepareWith(place), keepsTasks: true };
  const polled: Host = { ...base, places: new ClientPlaces(slots) };
  const calls = new ClientPlaces(slots);
  const called: Host = { ...base, places: calls };
  registry.open();
  return {
    calls,
    close: () => runtime.close(),
    hosts: (own) => ({
      own,
      others: [polled, called],
      hostOf: async (folder, grant) => {
        if (await readRecord(folder)) return polled;
        const template = readTaskTemplate(grant);
        const served = registry.find(template);
        if (served) return served.isSync ? called : polled;
        return registry.maySomeServe(template) ? polled : own;
      },
    }),
  };
}

const prepareWith =
  (place: Host["place"]): Host["prepare"] =>
  (folder, grant) =>
    prepareConnectorLaunch(folder, grant, place);
