import type { DataProxyService } from "@skein/idl/service";
import type { Flyte1Handlers } from "../flyte1/handlers.ts";
import type { DataProxyDependencies } from "./dependencies.ts";
import { createDownloadLink, createDownloadLocation } from "./download.ts";
import { getData } from "./get-data.ts";
import { createUploadLocation } from "./upload-location.ts";

/** Flyte 1's DataProxyService: signed URLs into the object store, and values by `flyte://` URL. */
export const dataProxyHandlers = (dependencies: DataProxyDependencies): Flyte1Handlers<typeof DataProxyService> => ({
  createUploadLocation: (request, call) => createUploadLocation(dependencies, request, call),
  createDownloadLocation: (request) => createDownloadLocation(dependencies, request),
  createDownloadLink: (request, call) => createDownloadLink(dependencies, request, call),
  getData: (request, call) => getData(dependencies, request, call),
});
