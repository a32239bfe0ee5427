import { and, desc, eq, getTableColumns, type SQL, sql } from "drizzle-orm";
import type pg from "pg";
import type { Db } from "../connect.ts";
import { deliveries, notificationRules } from "../schema/index.ts";
import type { NotificationRule } from "./rules.ts";

type Delivery = typeof deliveries.$inferSelect;
export type DeliveryOutcome = Delivery["outcome"];
/** A delivery as people see it: the kind is that of the target that the next try would go to. */
export type DeliveryRow = Omit<Delivery, "message" | "addresses"> & { readonly ruleName: string | null };

/** What a rule says of its target. */
export type RuleTarget = Pick<
  NotificationRule,
  "org" | "project" | "domain" | "name" | "kind" | "addresses" | "sealed"
>;

/** A delivery to be tried now. */
export interface DueDelivery {
  readonly id: string;
  readonly kind: Delivery["kind"];
  /** Which try this is, from 1. */
  readonly tries: number;
  readonly addresses: readonly string[];
  readonly message: unknown;
  /** The key of the rule that asked for it, gone or not; null where the run's spec did. */
  readonly source: string;
  readonly ruleId: number | null;
  /** Null where no rule asked for it, or the rule is gone. */
  readonly rule: RuleTarget | null;
}

export interface TakeDeliveries {
  readonly limit: number;
  /** Somebody else tries again when nothing was recorded for so long. */
  readonly leaseMs: number;
  /** Rules that have enough under way. */
  readonly busyRuleIds: readonly number[];
}

interface DueRow extends Omit<DueDelivery, "rule" | "ruleId"> {
  readonly ruleId: string | null;
  readonly ruleKind: Delivery["kind"] | null;
  readonly ruleName: string;
  readonly ruleOrg: string;
  readonly ruleProject: string;
  readonly ruleDomain: string;
  readonly ruleAddresses: string[];
  readonly sealed: Buffer | null;
}

/** Whether there is anything to do: one cheap question for the many times when there is not. */
export async function isNotificationDue(pool: pg.Pool): Promise<boolean> {
  const { rows } = await pool.query<{ isDue: boolean }>({
    name: "is-notification-due",
    text: `select exists (select from run_endings)
             or exists (select from deliveries where outcome = 'waiting' and due_at <= now()) as "isDue"`,
  });
  return rows[0]?.isDue ?? false;
}

/** Takes deliveries whose time has come, the oldest first; each counts a try. No two schedulers take the same. */
export async function takeDueDeliveries(
  pool: pg.Pool,
  { limit, leaseMs, busyRuleIds }: TakeDeliveries,
): Promise<DueDelivery[]> {
  const { rows } = await pool.query<DueRow>({
    name: "take-deliveries",
    text: `
with due as (
  select id from deliveries
  where outcome = 'waiting' and due_at <= now() and (rule_id is null or rule_id <> all($3::bigint[]))
  order by due_at limit $1 for update skip locked
), taken as (
  update deliveries d set tries = d.tries + 1, due_at = now() + make_interval(secs => $2::float8 / 1000)
  from due where d.id = due.id
  returning d.*
)
select t.id, t.kind, t.tries, t.addresses, t.message, t.source, t.rule_id as "ruleId", r.kind as "ruleKind", r.name as "ruleName",
  r.org as "ruleOrg", r.project as "ruleProject", r.domain as "ruleDomain", r.addresses as "ruleAddresses", r.sealed
from taken t left join notification_rules r on r.id = t.rule_id`,
    values: [limit, leaseMs, busyRuleIds],
  });
  return rows.map(({ id, kind, tries, addresses, message, source, ruleId, ruleKind, ...row }) => ({
    ...{ id, kind, tries, addresses, message, source },
    ruleId: ruleId === null ? null : Number(ruleId),
    rule: ruleKind && {
      kind: ruleKind,
      ...{ org: row.ruleOrg, project: row.ruleProject, domain: row.ruleDomain, name: row.ruleName },
      ...{ addresses: row.ruleAddresses, sealed: row.sealed },
    },
  }));
}

/** The target has it, whichever try it was. `note` says what was odd about it. */
export async function recordDelivered(pool: pg.Pool, id: string, note: string | null): Promise<void> {
  await pool.query({
    name: "record-delivered",
    text: "update deliveries set outcome = 'delivered', ended_at = now(), last_error = $2 where id = $1 and outcome = 'waiting'",
    values: [id, note],
  });
}

export interface FailedTry {
  readonly id: string;
  /** A try that somebody else follows already says nothing any more. */
  readonly tries: number;
  readonly error: string;
  /** Null for never: the delivery has failed. */
  readonly retryInMs: number | null;
}

export async function recordFailedTry(pool: pg.Pool, { id, tries, error, retryInMs }: FailedTry): Promise<void> {
  await pool.query({
    name: "record-failed-try",
    text: `update deliveries set last_error = $3,
             due_at = now() + make_interval(secs => coalesce($4::float8, 0) / 1000),
             outcome = case when $4::float8 is null then 'failed' else 'waiting' end::delivery_outcome,
             ended_at = case when $4::float8 is null then now() end
           where id = $1 and tries = $2 and outcome = 'waiting'`,
    values: [id, tries, error, retryInMs],
  });
}

export interface DeliveryFilter {
  readonly org: string;
  readonly project: string;
  readonly domain?: string | undefined;
  readonly run?: string | undefined;
  readonly outcome?: DeliveryOutcome | undefined;
}

const { message: _message, addresses: _addresses, ...SHOWN } = getTableColumns(deliveries);

/** The newest first. */
export function listDeliveries(
  db: Db,
  { org, project, domain, run, outcome }: DeliveryFilter,
  page: { readonly limit: number; readonly offset: number },
): Promise<DeliveryRow[]> {
  const wanted: SQL[] = [eq(deliveries.org, org), eq(deliveries.project, project)];
  if (domain !== undefined) wanted.push(eq(deliveries.domain, domain));
  if (run !== undefined) wanted.push(eq(deliveries.runName, run));
  if (outcome !== undefined) wanted.push(eq(deliveries.outcome, outcome));
  const kind = sql<Delivery["kind"]>`coalesce(${notificationRules.kind}, ${deliveries.kind})`;
  return db
    .select({ ...SHOWN, kind, ruleName: notificationRules.name })
    .from(deliveries)
    .leftJoin(notificationRules, eq(notificationRules.id, deliveries.ruleId))
    .where(and(...wanted))
    .orderBy(desc(deliveries.createdAt), desc(deliveries.id))
    .limit(page.limit)
    .offset(page.offset);
}

/** Gives a delivery that failed all its tries anew. False when there is none, or it has not failed. */
export async function retryDelivery(
  db: Db,
  { org, project, domain, id }: Pick<Delivery, "org" | "project" | "domain" | "id">,
): Promise<boolean> {
  const isIt = and(
    eq(deliveries.id, id),
    eq(deliveries.org, org),
    eq(deliveries.project, project),
    eq(deliveries.domain, domain),
    eq(deliveries.outcome, "failed"),
  );
  const retried = await db
    .update(deliveries)
    .set({ outcome: "waiting", tries: 0, dueAt: sql`now()`, endedAt: null })
    .where(isIt)
    .returning({ id: deliveries.id });
  return retried.length > 0;
}

/** Deletes what was delivered, or failed, so long ago. */
export async function deleteOldDeliveries(pool: pg.Pool, days: number): Promise<void> {
  await pool.query("delete from deliveries where ended_at < now() - make_interval(days => $1)", [days]);
}
