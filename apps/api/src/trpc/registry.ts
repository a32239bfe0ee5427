import type { VersionId } from "@skein/db";
import type { TypedInterface, VariableMap } from "@skein/idl/core";
import { z } from "zod";
import { procedure, router } from "./base.ts";
import { ByVersion, InDomain, Page, pageOf, word } from "./inputs.ts";
import { toTypeJson } from "./type-json.ts";

/** Versions of one name, or of all names of a domain; newest first. */
const ListVersions = InDomain.extend(Page.shape).extend({ name: word("name").optional() });

const NEWEST_FIRST = { field: "createdAt", descending: true } as const;

const scopeOf = ({ project, domain, name }: z.output<typeof ListVersions>) => [
  { field: "project" as const, operator: "eq" as const, values: [project] },
  { field: "domain" as const, operator: "eq" as const, values: [domain] },
  ...(name === undefined ? [] : [{ field: "name" as const, operator: "eq" as const, values: [name] }]),
];

const listQuery = (input: z.output<typeof ListVersions>) => ({
  where: scopeOf(input),
  sort: NEWEST_FIRST,
  limit: input.limit,
  offset: input.cursor,
});

const versionOf = ({ id, createdAt }: { readonly id: VersionId; readonly createdAt: Date }) => ({
  ...id,
  createdAt: createdAt.toISOString(),
});

const variablesOf = (variables: VariableMap | undefined) =>
  Object.fromEntries(
    Object.entries(variables?.variables ?? {}).map(([name, { type, description }]) => [
      name,
      { type: toTypeJson(type), description },
    ]),
  );

const interfaceOf = (typed: TypedInterface | undefined) => ({
  inputs: variablesOf(typed?.inputs),
  outputs: variablesOf(typed?.outputs),
});

export const projectsRouter = router({
  list: procedure.input(Page.prefault({})).query(async ({ ctx, input }) => {
    const sort = { field: "id", descending: false } as const;
    const query = { where: [], sort, limit: input.limit, offset: input.cursor };
    const rows = await ctx.services.projects.list(ctx.call, query);
    const items = rows.map(({ id, name, description, labels, state }) => ({ id, name, description, labels, state }));
    return pageOf(items, input);
  }),
  domains: procedure.query(({ ctx }) => ctx.services.projects.domains(ctx.call)),
});

export const tasksRouter = router({
  list: procedure.input(ListVersions).query(async ({ ctx, input }) => {
    const rows = await ctx.services.registry.tasks.list(ctx.call, listQuery(input));
    return pageOf(
      rows.map((row) => ({ ...versionOf(row), type: row.type, shortDescription: row.shortDescription })),
      input,
    );
  }),
  get: procedure.input(ByVersion).query(async ({ ctx, input }) => {
    const task = await ctx.services.registry.tasks.get(ctx.call, input);
    const { type, shortDescription, closure } = task;
    return { ...versionOf(task), type, shortDescription, ...interfaceOf(closure.compiledTask?.template?.interface) };
  }),
});

export const workflowsRouter = router({
  list: procedure.input(ListVersions).query(async ({ ctx, input }) => {
    const rows = await ctx.services.registry.workflows.list(ctx.call, listQuery(input));
    return pageOf(rows.map(versionOf), input);
  }),
  get: procedure.input(ByVersion).query(async ({ ctx, input }) => {
    const workflow = await ctx.services.registry.workflows.get(ctx.call, input);
    const template = workflow.compiled.primary?.template;
    const nodes = template?.nodes.map(({ id, target, upstreamNodeIds }) => ({
      id,
      kind: target.case,
      upstreamNodeIds,
    }));
    return { ...versionOf(workflow), ...interfaceOf(template?.interface), nodes: nodes ?? [] };
  }),
});

export const launchPlansRouter = router({
  list: procedure.input(ListVersions).query(async ({ ctx, input }) => {
    const rows = await ctx.services.registry.launchPlans.list(ctx.call, listQuery(input));
    return pageOf(
      rows.map((row) => ({ ...versionOf(row), state: row.state })),
      input,
    );
  }),
  get: procedure.input(ByVersion).query(async ({ ctx, input }) => {
    const plan = await ctx.services.registry.launchPlans.get(ctx.call, input);
    const parameters = Object.entries(plan.closure.expectedInputs?.parameters ?? {});
    const inputs = parameters.map(([name, { var: variable, behavior }]) => [
      name,
      { type: toTypeJson(variable?.type), isRequired: behavior.case === "required" && behavior.value },
    ]);
    return { ...versionOf(plan), state: plan.state, inputs: Object.fromEntries(inputs) };
  }),
  setState: procedure
    .input(ByVersion.extend({ state: z.enum(["active", "inactive"]) }))
    .mutation(async ({ ctx, input }) => {
      await ctx.services.registry.launchPlans.setState(ctx.call, input, input.state);
      return { state: input.state };
    }),
});
