import { type Db, isNotificationDue, planDeliveries } from "@skein/db";
import type { Logger } from "@skein/telemetry";
import type { SchedulerConfig } from "../config.ts";
import type { Pool } from "../database.ts";
import type { Round } from "../loops/loop.ts";
import type { SchedulerMetrics } from "../metrics.ts";
import { askedDeliveries } from "./asked-deliveries.ts";
import { Deliverer, type DelivererOptions } from "./deliverer.ts";
import { openMailer } from "./mailer.ts";
import { RuledDomains } from "./ruled-domains.ts";
import { sendDelivery } from "./send-delivery.ts";

export interface NotificationsOptions extends Pick<DelivererOptions, "firstRetryMs" | "onFree"> {
  readonly config: Pick<SchedulerConfig, "secretKey" | "publicUrl" | "smtpUrl" | "smtpFrom" | "webhookAllowedHosts">;
  readonly db: Db;
  readonly pool: Pool;
  readonly logger: Logger;
  readonly metrics: Pick<SchedulerMetrics, "deliveries">;
  /** These are shorter only in tests. */
  readonly leaseMs?: number;
  readonly graceMs?: number;
}

export interface Notifications {
  /** Where runs that end are to be announced. */
  readonly ruled: RuledDomains;
  /** Learns of new rules, makes deliveries of runs that ended, and sends what is due. */
  readonly round: Round;
  close(): Promise<void>;
}

const TIMEOUT_MS = 10_000;
const LEASE_MS = 60_000;
const ENDINGS_PER_ROUND = 200;
const GRACE_MS = 3_000;

/** Tells people and programs of runs that are over. Any number of schedulers may do it together. */
export async function openNotifications(options: NotificationsOptions): Promise<Notifications> {
  const { config, db, pool, leaseMs = LEASE_MS, graceMs = GRACE_MS } = options;
  const { smtpUrl, smtpFrom, secretKey } = config;
  const mailer = openMailer({ smtpUrl, smtpFrom, timeoutMs: TIMEOUT_MS });
  const stop = new AbortController();
  const sending = { mailer, secretKey, timeoutMs: TIMEOUT_MS, signal: stop.signal };
  const allowedHosts = config.webhookAllowedHosts;
  const deliverer = new Deliverer({
    ...options,
    leaseMs,
    send: (delivery) => sendDelivery(delivery, { ...sending, allowedHosts }),
  });
  const ruled = new RuledDomains(db);
  await ruled.refresh();
  return {
    ruled,
    round: async () => {
      await ruled.refresh();
      if (!(await isNotificationDue(pool))) return false;
      const taken = await planDeliveries(db, ENDINGS_PER_ROUND, (run, rules) =>
        askedDeliveries(run, rules, config.publicUrl),
      );
      await deliverer.takeUp();
      return taken === ENDINGS_PER_ROUND;
    },
    close: async () => {
      const grace = setTimeout(() => stop.abort(), graceMs);
      await deliverer.close();
      clearTimeout(grace);
    },
  };
}
