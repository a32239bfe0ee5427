import type { DataProxyService } from "@skein/idl/service";
import type { Flyte1Handlers } from "../flyte1/handlers.ts";
import type { Services } from "../services.ts";
import { DATA_PROXY_LIMITS, type DataProxyDependencies } from "./dependencies.ts";
import { createDownloadLink, createDownloadLocation } from "./download.ts";
import { getData } from "./get-data.ts";
import { createUploadLocation } from "./upload-location.ts";

type Handlers = Flyte1Handlers<typeof DataProxyService>;

/** Flyte 1's DataProxyService: signed URLs into the object store, and values by `flyte://` URL. */
export const dataProxyHandlers = (services: Services): Handlers => handlersOver(dataProxyDependencies(services));

/** What the data proxy looks up in the services. */
export const dataProxyDependencies = ({ storage, projects, actions }: Services): DataProxyDependencies => ({
  storage,
  limits: DATA_PROXY_LIMITS,
  requireProject: (call, project, domain) => projects.requireActive(call, project, domain),
  readValues: (call, { run, attempt, ...target }) =>
    attempt === undefined
      ? actions.data(call, { ...target, name: run })
      : actions.attemptData(call, { ...target, name: run, attempt }),
  findDeckUri: async (call, { run, ...target }) =>
    (await actions.get(call, { ...target, name: run })).deckUri ?? undefined,
});

/** The same over anything that can look up values and decks. */
export const handlersOver = (dependencies: DataProxyDependencies): Handlers => ({
  createUploadLocation: (request, call) => createUploadLocation(dependencies, request, call),
  createDownloadLocation: (request) => createDownloadLocation(dependencies, request),
  createDownloadLink: (request, call) => createDownloadLink(dependencies, request, call),
  getData: (request, call) => getData(dependencies, request, call),
});
