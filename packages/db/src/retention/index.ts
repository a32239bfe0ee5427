export {
  deleteRunRows,
  endObjectsPurge,
  endRunPurge,
  RUN_TABLES,
  releasePurgedNames,
} from "./delete-run-rows.ts";
export {
  findHeldObjects,
  forgetKeptObjects,
  type KeptObject,
  keepObjects,
  type ObjectToDelete,
  readKeptObjects,
} from "./held-objects.ts";
export {
  listPurges,
  type OpenPurge,
  type PurgedAttempt,
  type PurgeList,
  type PurgeRow,
  readCachedAttempts,
  readOpenPurges,
  readPurgedAttempts,
  recordProgress,
  recordTry,
} from "./purges.ts";
export { PURGED_AT_ONCE_MAX, type PurgeOutcome, requestPurge } from "./request-purge.ts";
export {
  countOpenPurges,
  deleteRetention,
  KEEP_LABEL,
  type RetentionRow,
  type RetentionRule,
  readRetention,
  readRetentionScopes,
  readRunsToPurge,
  requestObjectPurges,
  setRetention,
} from "./retention.ts";
