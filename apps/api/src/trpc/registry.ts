import { toJson } from "@bufbuild/protobuf";
import type { VersionId } from "@skein/db";
import { LaunchPlanSpecSchema, TaskSpecSchema, WorkflowSpecSchema } from "@skein/idl/admin";
import { CompiledWorkflowClosureSchema, type TypedInterface, type VariableMap } from "@skein/idl/core";
import { z } from "zod";
import { toVersionId } from "../registry/identity.ts";
import type { LaunchPlanView } from "../registry/launch-plan-service.ts";
import { procedure, router } from "./base.ts";
import { concurrencyProcedures } from "./concurrency.ts";
import { ByName, ByVersion, InDomain, Page, pageOf, word } from "./inputs.ts";
import { NewVersion, readSpec } from "./spec-input.ts";
import { toTypeJson } from "./type-json.ts";

/** Versions of one name, or of all names of a domain; newest first. */
const ListVersions = InDomain.extend(Page.shape).extend({ name: word("name").optional() });

const PlanState = z.enum(["active", "inactive"], "must be active or inactive");

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

const toPlanJson = (plan: LaunchPlanView) => {
  const parameters = Object.entries(plan.closure.expectedInputs?.parameters ?? {});
  const inputs = parameters.map(([name, { var: variable, behavior }]) => [
    name,
    { type: toTypeJson(variable?.type), isRequired: behavior.case === "required" && behavior.value },
  ]);
  return { ...versionOf(plan), state: plan.state, inputs: Object.fromEntries(inputs) };
};

export const tasksRouter = router({
  create: procedure.input(NewVersion).mutation(async ({ ctx, input }) => {
    const id = toVersionId(input);
    await ctx.services.registry.tasks.register(ctx.call, id, readSpec(TaskSpecSchema, input));
    return id;
  }),
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
  /** The spec as it was sent, with its documentation, in protobuf's JSON form. */
  getSpec: procedure
    .input(ByVersion)
    .query(async ({ ctx, input }) =>
      toJson(TaskSpecSchema, await ctx.services.registry.tasks.getSpec(ctx.call, input)),
    ),
});

export const workflowsRouter = router({
  create: procedure.input(NewVersion).mutation(async ({ ctx, input }) => {
    const id = toVersionId(input);
    await ctx.services.registry.workflows.register(ctx.call, id, readSpec(WorkflowSpecSchema, input));
    return id;
  }),
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
  /** The spec as it was sent, with its documentation, in protobuf's JSON form. */
  getSpec: procedure
    .input(ByVersion)
    .query(async ({ ctx, input }) =>
      toJson(WorkflowSpecSchema, await ctx.services.registry.workflows.getSpec(ctx.call, input)),
    ),
  /** The whole compiled graph, in protobuf's JSON form. */
  getCompiled: procedure.input(ByVersion).query(async ({ ctx, input }) => {
    const { compiled } = await ctx.services.registry.workflows.get(ctx.call, input);
    return toJson(CompiledWorkflowClosureSchema, compiled);
  }),
});

export const launchPlansRouter = router({
  create: procedure.input(NewVersion).mutation(async ({ ctx, input }) => {
    const id = toVersionId(input);
    await ctx.services.registry.launchPlans.register(ctx.call, id, readSpec(LaunchPlanSpecSchema, input));
    return id;
  }),
  list: procedure.input(ListVersions.extend({ state: PlanState.optional() })).query(async ({ ctx, input }) => {
    const query = listQuery(input);
    const ofState =
      input.state === undefined ? [] : [{ field: "state", operator: "eq", values: [input.state] } as const];
    const where = [...query.where, ...ofState];
    const rows = await ctx.services.registry.launchPlans.list(ctx.call, { ...query, where });
    return pageOf(
      rows.map((row) => ({ ...versionOf(row), state: row.state })),
      input,
    );
  }),
  get: procedure
    .input(ByVersion)
    .query(async ({ ctx, input }) => toPlanJson(await ctx.services.registry.launchPlans.get(ctx.call, input))),
  getActive: procedure
    .input(ByName)
    .query(async ({ ctx, input }) => toPlanJson(await ctx.services.registry.launchPlans.getActive(ctx.call, input))),
  /** The spec with every input of the workflow listed, in protobuf's JSON form. */
  getSpec: procedure
    .input(ByVersion)
    .query(async ({ ctx, input }) =>
      toJson(LaunchPlanSpecSchema, (await ctx.services.registry.launchPlans.get(ctx.call, input)).spec),
    ),
  setState: procedure.input(ByVersion.extend({ state: PlanState })).mutation(async ({ ctx, input }) => {
    await ctx.services.registry.launchPlans.setState(ctx.call, input, input.state);
    return { state: input.state };
  }),
  ...concurrencyProcedures,
});
