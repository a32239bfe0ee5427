import type { NamedEntityRow } from "@skein/db";
import { z } from "zod";
import { HIDDEN_PREFIX } from "../runs/launch-target.ts";
import { procedure, router } from "./base.ts";
import { ByName, InDomain, Page, pageOf } from "./inputs.ts";

const OfKind = z.object({
  kind: z.enum(["task", "workflow", "launch_plan"], "must be task, workflow or launch_plan"),
});
const STATES = ["active", "archived"] as const;
const State = z.enum(STATES, "must be active or archived");

const toNameJson = ({ project, domain, name, description, state }: NamedEntityRow) => ({
  project,
  domain,
  name,
  description,
  state,
});

/** Names over all their versions, with a description and a state of their own. */
export const namedEntitiesRouter = router({
  /** By name, without those that the server made for runs of single tasks. */
  list: procedure
    .input(InDomain.extend(OfKind.shape).extend(Page.shape).extend({ state: State.optional() }))
    .query(async ({ ctx, input: { kind, project, domain, state, limit, cursor } }) => {
      const where = [
        { field: "resourceType", operator: "eq", values: [kind] },
        { field: "project", operator: "eq", values: [project] },
        { field: "domain", operator: "eq", values: [domain] },
        { field: "name", operator: "notLike", values: [`${HIDDEN_PREFIX}%`] },
        ...(state === undefined ? [] : [{ field: "state", operator: "eq", values: [state] } as const]),
      ] as const;
      const rows = await ctx.services.registry.namedEntities.list(ctx.call, { where, limit, offset: cursor });
      return pageOf(rows.map(toNameJson), { limit, cursor });
    }),

  get: procedure
    .input(ByName.extend(OfKind.shape))
    .query(async ({ ctx, input: { kind, ...id } }) =>
      toNameJson(await ctx.services.registry.namedEntities.get(ctx.call, kind, id)),
    ),

  /** Replaces description and state. */
  update: procedure
    .input(ByName.extend(OfKind.shape).extend({ description: z.string("must be a text, maybe empty"), state: State }))
    .mutation(async ({ ctx, input: { kind, description, state, ...id } }) => {
      await ctx.services.registry.namedEntities.update(ctx.call, kind, id, { description, state });
      return { ...id, description, state };
    }),
});
