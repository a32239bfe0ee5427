import { create } from "@bufbuild/protobuf";
import {
  type AttributeScope,
  type AttributesRow,
  type AttributeType,
  type Db,
  deleteAttributes,
  findAttributes,
  listAttributes,
  putAttributes,
} from "@skein/db";
import { SkeinError } from "@skein/errors";
import { fromBytes, toBytes } from "@skein/idl";
import {
  type MatchingAttributes,
  MatchingAttributesSchema,
  type PluginOverride,
  type WorkflowExecutionConfig,
  WorkflowExecutionConfigSchema,
} from "@skein/idl/admin";
import type { PolicyBook } from "@skein/launch";
import { type Call, isAllowed } from "../call.ts";
import type { ProjectService } from "../projects/project-service.ts";
import { checkText, invalid } from "../registry/identity.ts";
import type { CheckRawOutput } from "../runs/raw-output-rule.ts";
import { typeOfKind } from "./attribute-types.ts";
import { checkAttributes } from "./check-attributes.ts";

/** What somebody set for a scope. */
export interface SetAttributes extends AttributeScope {
  readonly type: AttributeType;
  readonly attributes: MatchingAttributes;
}

export interface AttributeDependencies {
  readonly db: Db;
  readonly projects: Pick<ProjectService, "domains" | "get">;
  readonly policies: PolicyBook;
  readonly checkRawOutput: CheckRawOutput;
  /** What this server gives runs for which nobody said more. */
  readonly maxParallelism: number;
}

/** What holds for each attempt when it begins, when nothing is known of the launch plan any more. */
const OF_ATTEMPTS: readonly AttributeType[] = ["task_resource", "cluster_resource"];

/** Policies of projects: Flyte's matchable attributes (contract 6.10). */
export function attributeService({ db, projects, policies, checkRawOutput, maxParallelism }: AttributeDependencies) {
  const requireScope = scopeRule(projects);

  return {
    /** Sets the attributes of a scope and replaces those of their type; overrides of plugins are added by task type. */
    async set(call: Call, scope: AttributeScope, attributes: MatchingAttributes | undefined): Promise<void> {
      if (!attributes) throw invalid("matching_attributes", "are missing: say what to set");
      const type = typeOfKind(attributes.target.case);
      await requireScope(call, scope);
      if (scope.launchPlan !== "" && OF_ATTEMPTS.includes(type)) {
        throw invalid("launch_plan", `cannot have ${type}: set it for the workflow, whatever launches that`);
      }
      checkAttributes(attributes, scope, checkRawOutput);
      const row = { ...scope, type, attributes: toBytes(MatchingAttributesSchema, attributes) };
      await putAttributes(
        db,
        row,
        type === "plugin_override" ? (before) => withOverrides(before, attributes) : undefined,
      );
      policies.forget(scope.project);
    },

    /** Those of exactly this scope. */
    async get(call: Call, scope: AttributeScope, type: AttributeType): Promise<MatchingAttributes> {
      await requireScope(call, scope);
      const row = await findAttributes(db, scope, type);
      if (!row) throw notFound(scope, type);
      return toView(row).attributes;
    },

    /** What holds in a scope: the narrowest that is set for it or around it. This is how Flyte answers. */
    async effective(call: Call, scope: AttributeScope, type: AttributeType): Promise<SetAttributes> {
      await requireScope(call, scope);
      const { project } = scope;
      const [row] = (await listAttributes(db, { project, type })).filter((set) => isAround(set, scope));
      if (!row) throw notFound(scope, type);
      return toView(row);
    },

    /** A project's own defaults of runs, completed by this server's. */
    async executionConfig(call: Call, project: string): Promise<MatchingAttributes> {
      const scope = { project, domain: "", workflow: "", launchPlan: "" };
      await requireScope(call, scope);
      const row = await findAttributes(db, scope, "workflow_execution_config");
      const target = row && fromBytes(MatchingAttributesSchema, row.attributes).target;
      const value: WorkflowExecutionConfig =
        target?.case === "workflowExecutionConfig" ? target.value : create(WorkflowExecutionConfigSchema);
      value.maxParallelism ||= maxParallelism;
      return create(MatchingAttributesSchema, { target: { case: "workflowExecutionConfig", value } });
    },

    /** Of exactly this scope. There is nothing to say when there were none. */
    async remove(call: Call, scope: AttributeScope, type: AttributeType): Promise<void> {
      await requireScope(call, scope);
      await deleteAttributes(db, scope, type);
      policies.forget(scope.project);
    },

    /** All of a type, of one project or of those that the caller may look into, from the narrowest scope to the widest. */
    async list(
      call: Call,
      wanted: { readonly project?: string | undefined; readonly type?: AttributeType | undefined },
    ): Promise<SetAttributes[]> {
      const rows = await listAttributes(db, wanted);
      return rows.filter(({ project }) => isAllowed(call, "settings:read", { project })).map(toView);
    },
  };
}

/** Refuses what no policy can be for, with Flyte's code for it: "not found" would mean that nothing is set. */
const scopeRule =
  (projects: AttributeDependencies["projects"]) =>
  async (call: Call, { project, domain, workflow, launchPlan }: AttributeScope): Promise<void> => {
    checkText("project", project);
    if (launchPlan !== "" && workflow === "") throw invalid("workflow", "is missing: a launch plan is one's");
    if (workflow !== "" && domain === "") throw invalid("domain", "is missing: a workflow stands in one");
    if (workflow !== "") checkText("workflow", workflow);
    if (launchPlan !== "") checkText("launch_plan", launchPlan);
    const known = (await projects.domains(call)).map(({ id }) => id);
    if (domain !== "" && !known.includes(domain)) {
      throw invalid("domain", `${domain} does not exist: use one of ${known.join(", ")}`);
    }
    await projects.get(call, project).catch((error: unknown) => {
      if (!(error instanceof SkeinError) || error.code !== "not_found") throw error;
      throw invalid("project", `${project} does not exist: register it first`);
    });
  };

const isAround = (set: AttributeScope, scope: AttributeScope): boolean =>
  (["domain", "workflow", "launchPlan"] as const).every((part) => set[part] === "" || set[part] === scope[part]);

const toView = (row: AttributesRow): SetAttributes => ({
  ...row,
  attributes: fromBytes(MatchingAttributesSchema, row.attributes),
});

/** What was there, with what is said of further task types; of those that were there already the new word counts. */
function withOverrides(before: Uint8Array, { target }: MatchingAttributes): Uint8Array {
  const { target: old } = fromBytes(MatchingAttributesSchema, before);
  const byType = new Map<string, PluginOverride>();
  for (const said of [old, target]) {
    if (said.case !== "pluginOverrides") continue;
    for (const override of said.value.overrides) byType.set(override.taskType, override);
  }
  const merged = create(MatchingAttributesSchema, {
    target: { case: "pluginOverrides", value: { overrides: [...byType.values()] } },
  });
  return toBytes(MatchingAttributesSchema, merged);
}

function notFound({ project, domain, workflow, launchPlan }: AttributeScope, type: AttributeType): SkeinError {
  const scope = [project, domain, workflow, launchPlan].filter(Boolean).join("/");
  return new SkeinError("not_found", "attributes_not_found", `${scope} has no ${type.toUpperCase()} attributes.`);
}
