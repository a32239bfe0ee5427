import { fromJson, type JsonObject, toJson } from "@bufbuild/protobuf";
import type { AttributeScope } from "@skein/db";
import { SkeinError } from "@skein/errors";
import { type MatchingAttributes, MatchingAttributesSchema } from "@skein/idl/admin";
import { z } from "zod";
import type { SetAttributes } from "../attributes/attribute-service.ts";
import { procedure, router } from "./base.ts";
import { word } from "./inputs.ts";

/** What is left out means all of them: every domain of the project, every workflow of the domain. */
const Scope = z.object({
  project: word("project's id"),
  domain: word("domain's id").optional(),
  workflow: word("workflow's name").optional(),
  launchPlan: word("launch plan's name").optional(),
});
const Type = z.enum(
  [
    "task_resource",
    "cluster_resource",
    "execution_queue",
    "execution_cluster_label",
    "quality_of_service_specification",
    "plugin_override",
    "workflow_execution_config",
    "cluster_assignment",
  ],
  "must be a type of attributes, such as task_resource",
);
const Attributes = z.custom<JsonObject>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  'must be an object: flyteidl.admin.MatchingAttributes in protobuf\'s JSON form, such as {"executionClusterLabel": {"value": "gpu"}}',
);

/** Policies of projects, which Flyte calls matchable attributes. */
export const attributesRouter = router({
  /** Replaces what is set for exactly this scope and type. */
  set: procedure.input(Scope.extend({ attributes: Attributes })).mutation(async ({ ctx, input }) => {
    await ctx.services.attributes.set(ctx.call, scopeOf(input), readAttributes(input.attributes));
    return {};
  }),

  /** What is set for exactly this scope. */
  get: procedure.input(Scope.extend({ type: Type })).query(async ({ ctx, input }) => {
    const scope = scopeOf(input);
    const attributes = await ctx.services.attributes.get(ctx.call, scope, input.type);
    return toSetJson({ ...scope, type: input.type, attributes });
  }),

  /** What holds in this scope: the narrowest that is set for it or around it. */
  effective: procedure
    .input(Scope.extend({ type: Type }))
    .query(async ({ ctx, input }) =>
      toSetJson(await ctx.services.attributes.effective(ctx.call, scopeOf(input), input.type)),
    ),

  /** From the narrowest scope to the widest; without a project those of all projects that the caller may look into. */
  list: procedure
    .input(z.object({ project: word("project's id").optional(), type: Type.optional() }).prefault({}))
    .query(async ({ ctx, input }) => (await ctx.services.attributes.list(ctx.call, input)).map(toSetJson)),

  /** Of exactly this scope. Harmless where nothing is set. */
  delete: procedure.input(Scope.extend({ type: Type })).mutation(async ({ ctx, input }) => {
    await ctx.services.attributes.remove(ctx.call, scopeOf(input), input.type);
    return {};
  }),
});

const scopeOf = ({ project, domain = "", workflow = "", launchPlan = "" }: z.output<typeof Scope>): AttributeScope => ({
  project,
  domain,
  workflow,
  launchPlan,
});

function readAttributes(json: JsonObject): MatchingAttributes {
  try {
    return fromJson(MatchingAttributesSchema, json);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SkeinError("invalid_argument", "malformed_message", `attributes: ${why}.`, { cause: error });
  }
}

const toSetJson = ({ project, domain, workflow, launchPlan, type, attributes }: SetAttributes) => ({
  project,
  domain: domain || null,
  workflow: workflow || null,
  launchPlan: launchPlan || null,
  type,
  attributes: toJson(MatchingAttributesSchema, attributes),
});
