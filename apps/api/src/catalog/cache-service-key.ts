import type { CacheAddress } from "@skein/engine";

/** Where keys that say nothing of a project are kept: in no project, so that only who may do everything reaches them. */
const NOWHERE = { project: "", domain: "", datasetName: "flyte_cacheservice", datasetVersion: "" };

/**
 * The key by which CacheService knows an entry: project, domain, dataset, its version and the tag, each escaped as in a
 * URL, with slashes between them.
 */
export const cacheServiceKey = ({ project, domain, datasetName, datasetVersion, tag }: CacheAddress): string =>
  [project, domain, datasetName, datasetVersion, tag].map(encodeURIComponent).join("/");

/** Reads what `cacheServiceKey` wrote. Any other text is a key as well: that of its client, about which it tells nothing. */
export function readCacheServiceKey(key: string): CacheAddress {
  const [project, domain, datasetName, datasetVersion, tag, ...more] = key.split("/").map(unescaped);
  if (!project || !domain || !datasetName || !datasetVersion || !tag || more.length > 0)
    return { ...NOWHERE, tag: key };
  return { project, domain, datasetName, datasetVersion, tag };
}

function unescaped(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
