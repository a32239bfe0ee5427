import type { CacheStatus } from "@skein/engine";
import { CatalogCacheStatus } from "@skein/idl/core";

/** Our words for what the cache did for an action, as Flyte numbers them. */
export const CACHE_STATUS: Readonly<Record<CacheStatus, CatalogCacheStatus>> = {
  disabled: CatalogCacheStatus.CACHE_DISABLED,
  miss: CatalogCacheStatus.CACHE_MISS,
  hit: CatalogCacheStatus.CACHE_HIT,
  populated: CatalogCacheStatus.CACHE_POPULATED,
  lookup_failure: CatalogCacheStatus.CACHE_LOOKUP_FAILURE,
  put_failure: CatalogCacheStatus.CACHE_PUT_FAILURE,
  skipped: CatalogCacheStatus.CACHE_SKIPPED,
  evicted: CatalogCacheStatus.CACHE_EVICTED,
};
