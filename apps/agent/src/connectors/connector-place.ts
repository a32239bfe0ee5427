import type { Storage } from "@skein/storage";
import type { DataPlace, Results } from "../task/data-place.ts";
import { objectPlace } from "../task/store-place.ts";

const NO_RESULTS: Results = {
  sizeOf: async () => undefined,
  read: async () => undefined,
  outwards: { uri: (uri) => uri, text: (text) => text },
  codeFolder: undefined,
  keep: async (name) => name,
  keepRest: async () => undefined,
};

/**
 * Connectors read and write the object store themselves; with file storage they are on the agent's own machine. What one
 * left of a task that it calls failed counts for nothing.
 */
export function connectorPlace(storage: Storage): DataPlace {
  const place = objectPlace(storage);
  return {
    ...place,
    gather: async (folder, grant, template, exit) =>
      exit.type === "failed" ? NO_RESULTS : await place.gather(folder, grant, template, exit),
  };
}
