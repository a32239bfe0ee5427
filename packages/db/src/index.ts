export { type Db, type OpenDb, openDb, type Tx } from "./connect.ts";
export { ensureHistoryPartitions } from "./history-partitions.ts";
export { migrate } from "./migrate.ts";
export {
  CHANGES_CHANNEL,
  EVENTS_CHANNEL,
  type Listener,
  type Notifier,
  openListener,
  openNotifier,
} from "./notify.ts";
