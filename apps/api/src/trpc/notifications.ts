import type { DeliveryRow, NotificationRule } from "@skein/db";
import { z } from "zod";
import { END_PHASES } from "../notifications/notification-service.ts";
import { procedure, router } from "./base.ts";
import { InDomain, Page, pageOf, word } from "./inputs.ts";

const InProject = z.object({ project: word("project's id"), domain: word("domain's id").optional() });
const ByRule = InProject.extend({ name: word("rule's name") });
const Target = z.discriminatedUnion(
  "kind",
  [
    z.strictObject({ kind: z.literal("email"), addresses: z.array(z.string()) }),
    z.strictObject({ kind: z.literal("slack"), url: z.string() }),
    z.strictObject({ kind: z.literal("webhook"), url: z.string(), secret: z.string() }),
  ],
  'must be {"kind": "email", "addresses"}, {"kind": "slack", "url"} or {"kind": "webhook", "url", "secret"}',
);

const rulesRouter = router({
  /** Those of a project; with a domain, those that count there. */
  list: procedure.input(InProject).query(async ({ ctx, input }) => {
    return { items: (await ctx.services.notifications.rules(ctx.call, input)).map(shownRule) };
  }),

  /** Makes a rule, or puts it in the place of the one that has its name. It counts for runs that end from now on. */
  set: procedure
    .input(
      ByRule.extend({
        launchPlan: word("launch plan's name").optional(),
        workflow: word("workflow's or task's name").optional(),
        phases: z.array(z.enum(END_PHASES)).min(1, "must name at least one phase"),
        target: Target,
      }),
    )
    .mutation(async ({ ctx, input }) => shownRule(await ctx.services.notifications.setRule(ctx.call, input))),

  delete: procedure.input(ByRule).mutation(async ({ ctx, input }) => {
    await ctx.services.notifications.deleteRule(ctx.call, input);
    return {};
  }),
});

const deliveriesRouter = router({
  /** The newest first. */
  list: procedure
    .input(
      InProject.extend({
        run: word("run's name").optional(),
        outcome: z.enum(["waiting", "delivered", "failed"]).optional(),
      }).extend(Page.shape),
    )
    .query(async ({ ctx, input }) => {
      const { limit, cursor, ...filter } = input;
      const rows = await ctx.services.notifications.deliveries(ctx.call, filter, { limit, offset: cursor });
      return pageOf(rows.map(shownDelivery), { limit, cursor });
    }),

  /** Gives one that failed all its tries anew. */
  retry: procedure
    .input(InDomain.extend({ id: z.uuid("must be the delivery's id") }))
    .mutation(async ({ ctx, input }) => {
      await ctx.services.notifications.retry(ctx.call, input);
      return {};
    }),
});

/** Who hears of runs that are over. No answer holds the address or the secret of a webhook. */
export const notificationsRouter = router({ rules: rulesRouter, deliveries: deliveriesRouter });

function shownRule({
  project,
  domain,
  name,
  launchPlan,
  workflow,
  phases,
  kind,
  addresses,
  host,
  ...row
}: NotificationRule) {
  return {
    project,
    domain: domain || null,
    name,
    launchPlan: launchPlan || null,
    workflow: workflow || null,
    phases,
    target: kind === "email" ? { kind, addresses } : { kind, host },
    createdBy: row.createdBy,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

function shownDelivery({
  id,
  project,
  domain,
  runName,
  ruleName,
  kind,
  outcome,
  tries,
  lastError,
  ...row
}: DeliveryRow) {
  return {
    ...{ id, project, domain, run: runName, rule: ruleName, kind, outcome, tries, lastError },
    createdAt: row.createdAt.toISOString(),
    /** When it is tried next, while it waits. */
    dueAt: outcome === "waiting" ? row.dueAt.toISOString() : null,
    endedAt: row.endedAt?.toISOString() ?? null,
  };
}
