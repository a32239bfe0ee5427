export { type PathStep, readActionPaths, readExpansion, type StoredExpansion } from "./agents/action-path.ts";
export { type CheckpointSource, readCheckpointSource } from "./agents/checkpoint-source.ts";
export {
  type ClaimedAttempt,
  type ClaimRefusal,
  type ClaimVerdict,
  claimAttempts,
  readCompiledWorkflow,
  readSharedInputs,
  type WantedClaim,
} from "./agents/claims.ts";
export { findHeldPlaces, type HeldPlace, recordDeck } from "./agents/decks.ts";
export { type HeartbeatResult, recordHeartbeat } from "./agents/heartbeat.ts";
export { type HeldClaim, readHeldClaims } from "./agents/held.ts";
export { type AgentRow, listAgents, listPools, type PoolRow, setCordon } from "./agents/list-agents.ts";
export {
  findLogPlace,
  findNextChunk,
  type LogPlace,
  type LogToArchive,
  recordArchivedLog,
  scanLogs,
  whileArchivingAlone,
} from "./agents/log-archive.ts";
export { appendLogChunks, type NewLogChunk, readLogBytes } from "./agents/logs.ts";
export { isRunLive } from "./agents/run-liveness.ts";
export { recordWaiting } from "./agents/waiting.ts";
export {
  type AttributeScope,
  type AttributesRow,
  type AttributeType,
  deleteAttributes,
  findAttributes,
  listAttributes,
  type ProjectAttributes,
  putAttributes,
  readProjectAttributes,
} from "./attributes/attributes.ts";
export {
  type CacheArtifact,
  type CachePartition,
  findArtifact,
  insertArtifact,
  insertCacheTag,
  type ListArtifacts,
  listArtifacts,
  moveCacheTag,
  type NewCacheArtifact,
  updateArtifact,
} from "./cache/artifacts.ts";
export {
  type CacheDataset,
  type CacheDatasetField,
  type CacheMetadata,
  findCacheDataset,
  insertCacheDataset,
  listCacheDatasets,
} from "./cache/datasets.ts";
export { type CachedOutputs, findCachedOutputs } from "./cache/entries.ts";
export { evictEntry, evictRun, evictTask, findTenantsOfCachedRun } from "./cache/evict.ts";
export {
  beatReservations,
  deleteExpiredReservations,
  type Reservation,
  releaseReservation,
  takeReservations,
  type WantedReservation,
} from "./cache/reservations.ts";
export { type CacheSource, findCacheSources } from "./cache/sources.ts";
export { type Db, type OpenDb, openDb, type Tx } from "./connect.ts";
export { ensureHistoryPartitions } from "./history-partitions.ts";
export {
  type ArtifactUse,
  type CacheEntryRow,
  findArtifactTenants,
  findCacheEntry,
  findCacheSource,
  findCacheTenants,
  type LineageAction,
  type LineageTenant,
  listArtifactsOfRun,
  listArtifactUses,
  listCacheUses,
} from "./lineage/read-lineage.ts";
export {
  LIST_OPERATORS,
  type ListCondition,
  type ListOperator,
  type ListQuery,
  type ListSort,
  type ListValue,
} from "./lists/list-query.ts";
export { type Committed, commitAdvances } from "./loop/commit-advances.ts";
export { type DueTimer, deleteOrphanTimers, readDueTimers } from "./loop/due-timers.ts";
export { type BrokenRun, endBrokenRun } from "./loop/end-broken-run.ts";
export { deleteErrands, readWaitingErrands } from "./loop/errands.ts";
export { readIdleRuns } from "./loop/idle-runs.ts";
export { type ActionExpansion, readExpansions } from "./loop/load-expansions.ts";
export { type ItemOutputs, measureItemOutputs, readItemOutputs } from "./loop/load-maps.ts";
export { type LoadedRun, readCompiledWorkflows, readRunStates } from "./loop/load-runs.ts";
export { type LoadedValue, type RunValueRef, readValues } from "./loop/load-values.ts";
export { deleteEndedClaims, type LostClaim, readLostClaims } from "./loop/lost-claims.ts";
export { type OrderedTask, readOrderedTasks } from "./loop/ordered-tasks.ts";
export {
  countPublished,
  countSlots,
  countWaitingCommands,
  deletePoolShare,
  type PoolShare,
  type ProjectLoad,
  readPoolLoad,
  readPoolShares,
  setPoolShare,
} from "./loop/pool-load.ts";
export {
  type AgentRoom,
  type PoolRoom,
  readPoolRoom,
  TOO_LARGE,
  type WaitingReason,
  writeWaitingReasons,
} from "./loop/pool-room.ts";
export { deleteOldAgents, dropOldHistory } from "./loop/prune.ts";
export { type ReferenceRow, type RunToRecover, readRunToRecover } from "./loop/reference.ts";
export {
  type GroupPick,
  markPublished,
  type PendingOrder,
  readCommands,
  readPoolsWithCommands,
  readWaitingGroups,
  takeUnclaimed,
  type WaitingCommand,
  type WaitingGroup,
} from "./loop/relay.ts";
export type {
  CachePut,
  CommandRow,
  ErrandRow,
  NewArtifactLink,
  NewExpansion,
  NewOrder,
  NewSignal,
  NewValue,
  ParentNews,
  Reporter,
  RunAdvance,
} from "./loop/run-advance.ts";
export {
  announceScheduler,
  dismissScheduler,
  ensureShards,
  releaseShards,
  renewShards,
  takeShards,
} from "./loop/shards.ts";
export { deleteEvents, readWaitingEvents, type WaitingEvent } from "./loop/waiting-events.ts";
export { migrate } from "./migrate.ts";
export {
  type DeliveryFilter,
  type DeliveryOutcome,
  type DeliveryRow,
  type DueDelivery,
  deleteOldDeliveries,
  isNotificationDue,
  listDeliveries,
  type RuleTarget,
  recordDelivered,
  recordFailedTry,
  retryDelivery,
  takeDueDeliveries,
} from "./notifications/deliveries.ts";
export { type EndedRun, type NewDelivery, planDeliveries } from "./notifications/endings.ts";
export {
  countNotificationRules,
  deleteNotificationRule,
  listNotificationRules,
  type NewNotificationRule,
  type NotificationRule,
  type RuleName,
  readRuledDomains,
  setNotificationRule,
  type TargetKind,
} from "./notifications/rules.ts";
export {
  CHANGES_CHANNEL,
  EVENTS_CHANNEL,
  type Listener,
  type Notifier,
  openListener,
  openNotifier,
} from "./notify.ts";
export {
  type DomainRow,
  findProject,
  insertProject,
  listDomains,
  listProjects,
  type ProjectField,
  type ProjectRow,
  type ProjectState,
  updateProject,
  upsertDomains,
} from "./projects/projects.ts";
export type { NameId, ResourceKind, VersionId } from "./registry/identity.ts";
export {
  deleteLaunchPlanLimit,
  findLaunchPlanLimit,
  type LaunchPlanLimit,
  readLaunchPlanLimits,
  setLaunchPlanLimit,
} from "./registry/launch-plan-limits.ts";
export {
  findActiveLaunchPlan,
  findLaunchPlan,
  insertLaunchPlan,
  type LaunchPlanField,
  type LaunchPlanRow,
  type LaunchPlanState,
  listLaunchPlans,
  type NewLaunchPlan,
  setLaunchPlanState,
} from "./registry/launch-plans.ts";
export {
  findNamedEntity,
  listNamedEntities,
  type NamedEntityField,
  type NamedEntityRow,
  type NamedEntityState,
  updateNamedEntity,
} from "./registry/named-entities.ts";
export { findTask, insertTask, listTasks, type NewTask, type TaskField, type TaskRow } from "./registry/tasks.ts";
export {
  findWorkflow,
  findWorkflowSpec,
  findWorkflowSummary,
  insertWorkflow,
  listWorkflows,
  type NewWorkflow,
  type WorkflowField,
  type WorkflowRow,
  type WorkflowSummary,
} from "./registry/workflows.ts";
export { insertAbortRequest, type RunState, setRunState } from "./runs/abort.ts";
export {
  abortChildRuns,
  type ChildAbort,
  type ChildRefusal,
  type ChildRun,
  type LaunchPlanRows,
  type ParentRun,
  type ReferenceChild,
  readChildRefusal,
  readChildRuns,
  readLaunchPlan,
  readParentRuns,
  readReferenceChildren,
} from "./runs/children.ts";
export {
  countShards,
  insertRun,
  type NewRun,
  type RunMode,
  type RunTag,
  type StoredValue,
} from "./runs/launch.ts";
export {
  insertRunWithin,
  type LaunchLimit,
  readNamesWithWaitingRuns,
  startWaitingRuns,
  WHEN_FULL,
  type WhenFull,
} from "./runs/limited-launch.ts";
export { setRunPriority } from "./runs/priority.ts";
export {
  type ActionField,
  type ActionRow,
  type AttemptField,
  type AttemptRow,
  findAction,
  findActionKinds,
  findAttempt,
  findWorkflowOfRun,
  listActions,
  listAttempts,
} from "./runs/read-actions.ts";
export { findChildRuns } from "./runs/read-child-runs.ts";
export { type ExpansionRow, findExpansion, findSpecUris } from "./runs/read-expansions.ts";
export { type ActionPhaseCounts, countPhases, listMapItems, type MapItemRow } from "./runs/read-map-items.ts";
export {
  findRun,
  findRunInputs,
  findRunName,
  findValue,
  findValues,
  listRuns,
  type RunRow,
  type ValueRow,
  type ValueSide,
} from "./runs/read-runs.ts";
export { readTimings, type TimedAction, type TimedAttempt } from "./runs/read-timings.ts";
export {
  type ActionWait,
  AHEAD_MAX,
  findTurnWait,
  type PoolFill,
  readActionWaits,
  readCacheHolders,
  readOverNames,
  readPoolFill,
  type TurnWait,
} from "./runs/read-waits.ts";
export type { RunField } from "./runs/run-fields.ts";
export { PLAIN_SETTINGS, type RunLimits, type RunSettings } from "./runs/run-settings.ts";
export {
  countRuns,
  INPUT_OPERATORS,
  type InputCondition,
  RUN_SORTS,
  type RunCursor,
  type RunFilter,
  type RunSearch,
  searchRuns,
} from "./runs/search-runs.ts";
export {
  type BackfillPhase,
  type BackfillRow,
  findBackfill,
  insertBackfill,
  listBackfills,
  type NewBackfill,
  setBackfillPhase,
} from "./schedules/backfills.ts";
export {
  advanceSchedule,
  type DueSchedule,
  type NewTick,
  readDueSchedules,
  readUnwatchedLaunchPlans,
  type TickOutcome,
  type UnwatchedLaunchPlan,
  watchLaunchPlan,
} from "./schedules/due-schedules.ts";
export { listTicks, type TickQuery, type TickRow } from "./schedules/list-ticks.ts";
export {
  closeEndedTicks,
  delayTick,
  deleteOldTicks,
  markAborting,
  type OpenTick,
  type PendingTick,
  readLaunchPlanById,
  readOpenTicks,
  readPendingTicks,
  readTickRefusal,
  type ScheduledTick,
  type SettledTick,
  settleTick,
  skipPendingTicks,
} from "./schedules/pending-ticks.ts";
export {
  endBackfill,
  type RunningBackfill,
  readBackfillTicks,
  readRunningBackfills,
} from "./schedules/running-backfills.ts";
export {
  findSchedule,
  listSchedules,
  type ScheduleChange,
  type ScheduleRow,
  setSchedulePaused,
  setSchedulePolicy,
  type VersionSchedule,
} from "./schedules/schedules.ts";
export { BACKFILL_ORDERS, BACKFILL_PHASES, TICK_OUTCOMES } from "./schema/schedule.ts";
export {
  countSecretsToRotate,
  deleteSecret,
  findSecret,
  insertSecret,
  listSecrets,
  listSecretsToRotate,
  newestSecretVersion,
  replaceDataKey,
  type SecretListing,
  type SecretName,
  type SecretRow,
} from "./secrets/secrets.ts";
export { answerGates, type GateAnswer } from "./signals/answer-gates.ts";
export { type GateRow, listGates, listSignals, type SignalField, type SignalRow } from "./signals/read-signals.ts";
export { type ChangeCursor, readChangedActions, readChangedRuns } from "./watch/changes.ts";
export { whileAlone } from "./while-alone.ts";
