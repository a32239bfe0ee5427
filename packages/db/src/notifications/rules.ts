import { and, asc, count, eq, inArray, sql } from "drizzle-orm";
import type { Db } from "../connect.ts";
import { notificationRules } from "../schema/index.ts";

export type NotificationRule = typeof notificationRules.$inferSelect;
export type TargetKind = NotificationRule["kind"];
/** A rule's name. Empty domain: it counts in all of them. */
export type RuleName = Pick<NotificationRule, "org" | "project" | "domain" | "name">;
export type NewNotificationRule = Omit<NotificationRule, "id" | "createdAt" | "updatedAt">;

const isNamed = ({ org, project, domain, name }: RuleName) =>
  and(
    eq(notificationRules.org, org),
    eq(notificationRules.project, project),
    eq(notificationRules.domain, domain),
    eq(notificationRules.name, name),
  );

/** Makes a rule, or puts this one in its place: what waits to be delivered by it goes to the new target. */
export async function setNotificationRule(db: Db, rule: NewNotificationRule): Promise<NotificationRule | undefined> {
  const { org, project, domain, name } = notificationRules;
  const [row] = await db
    .insert(notificationRules)
    .values(rule)
    .onConflictDoUpdate({ target: [org, project, domain, name], set: { ...rule, updatedAt: sql`now()` } })
    .returning();
  return row;
}

/** False when there is none of this name. */
export async function deleteNotificationRule(db: Db, rule: RuleName): Promise<boolean> {
  const deleted = await db.delete(notificationRules).where(isNamed(rule)).returning({ id: notificationRules.id });
  return deleted.length > 0;
}

/** All rules of a project, by domain and name; with a domain, those that count there. */
export async function listNotificationRules(
  db: Db,
  { org, project, domain }: { readonly org: string; readonly project: string; readonly domain?: string | undefined },
): Promise<NotificationRule[]> {
  const isThere = domain === undefined ? [] : [inArray(notificationRules.domain, ["", domain])];
  return db
    .select()
    .from(notificationRules)
    .where(and(eq(notificationRules.org, org), eq(notificationRules.project, project), ...isThere))
    .orderBy(asc(notificationRules.domain), asc(notificationRules.name));
}

export async function countNotificationRules(
  db: Db,
  { org, project }: Pick<RuleName, "org" | "project">,
): Promise<number> {
  const [row] = await db
    .select({ rules: count() })
    .from(notificationRules)
    .where(and(eq(notificationRules.org, org), eq(notificationRules.project, project)));
  return row?.rules ?? 0;
}

/** Where there are rules at all. */
export async function readRuledDomains(db: Db): Promise<Pick<RuleName, "org" | "project" | "domain">[]> {
  const { org, project, domain } = notificationRules;
  return db.selectDistinct({ org, project, domain }).from(notificationRules);
}
