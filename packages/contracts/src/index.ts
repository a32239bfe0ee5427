export {
  AGENT_LEASE_MS,
  AppendLogsRequest,
  Capacity,
  ClaimGrant,
  ClaimRequest,
  ClaimResponse,
  DECK_FILE,
  GrantedPolicy,
  GrantedSecret,
  HEARTBEAT_INTERVAL_MS,
  HeartbeatRequest,
  HeartbeatResponse,
  HeldRequest,
  HeldResponse,
  LOG_BYTES_MAX,
  LogChunk,
  POD_LAUNCHER_LEASE_MS,
  RUNTIMES,
  StoreCredentials,
  UNLIMITED,
  WaitingNote,
} from "./agent-link.ts";
export { attemptToken, isSameToken, tokenHash } from "./attempt-token.ts";
export { RunEnded, SealedTarget, TARGET_PURPOSE, targetPlace } from "./notification.ts";
export {
  AskedResources,
  AttemptId,
  AttemptOrder,
  attemptKey,
  ORDER_INPUT_BYTES_MAX,
  ORDER_KINDS,
  type OrderKind,
  readAttemptKey,
} from "./order.ts";
export { AttemptReport, Outcome, REPORT_OUTPUT_BYTES_MAX, ReportedFailure, Value } from "./report.ts";
