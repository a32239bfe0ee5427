import { z } from "zod";
import type { ProjectView } from "../projects/project-service.ts";
import { procedure, router } from "./base.ts";
import { Page, pageOf, word } from "./inputs.ts";

/** The id of a project is called `project` here as everywhere, because the permission check reads it there. */
const ByProject = z.object({ project: word("project's id") });
const NewProject = ByProject.extend({
  name: z.string("must be the name to show").optional(),
  description: z.string("must be a text").optional(),
  labels: z.record(z.string(), z.string("must be a text")).optional(),
});
const ChangedProject = NewProject.extend({
  state: z.enum(["active", "archived"], "must be active or archived").optional(),
});

const toProjectJson = ({ id, name, description, labels, state }: ProjectView) => ({
  id,
  name,
  description,
  labels,
  state,
});

/** Projects and domains. */
export const projectsRouter = router({
  list: procedure.input(Page.prefault({})).query(async ({ ctx, input }) => {
    const sort = { field: "id", descending: false } as const;
    const query = { where: [], sort, limit: input.limit, offset: input.cursor };
    const rows = await ctx.services.projects.list(ctx.call, query);
    return pageOf(rows.map(toProjectJson), input);
  }),

  get: procedure
    .input(ByProject)
    .query(async ({ ctx, input }) => toProjectJson(await ctx.services.projects.get(ctx.call, input.project))),

  register: procedure.input(NewProject).mutation(async ({ ctx, input: { project, ...rest } }) => {
    await ctx.services.projects.register(ctx.call, { id: project, ...rest });
    return { project };
  }),

  /** What is left out, or empty, stays as it is. */
  update: procedure.input(ChangedProject).mutation(async ({ ctx, input: { project, ...changes } }) => {
    await ctx.services.projects.update(ctx.call, { id: project, ...changes });
    return { project };
  }),

  domains: procedure.query(({ ctx }) => ctx.services.projects.domains(ctx.call)),
});
