import { parseQuantity } from "@skein/engine";
import type { MatchingAttributes, TaskResourceAttributes } from "@skein/idl/admin";
import { amountsOf, isPoolName } from "@skein/launch";
import { checkText, invalid } from "../registry/identity.ts";
import { checkPriority } from "../runs/giving-out.ts";
import { checkLimits } from "../runs/limit-annotations.ts";
import type { CheckRawOutput } from "../runs/raw-output-rule.ts";

const ENTRIES_MAX = 100;
const VALUE_LENGTH_MAX = 255;
/** What can stand in templates of namespaces, and mean only itself there. */
const TEMPLATE_WORD = /^[A-Za-z_][\w.-]*$/;
const TEMPLATE_VALUE = /^[A-Za-z0-9]([-A-Za-z0-9_.:/@+=]*[-A-Za-z0-9_./@+=])?$/;

/** Refuses a policy that could not be followed, which Flyte would pass over in silence; invalid_argument names the field. */
export function checkAttributes(
  { target }: MatchingAttributes,
  tenant: { readonly project: string; readonly domain: string },
  checkRawOutput: CheckRawOutput,
): void {
  if (target.case === "taskResourceAttributes") checkTaskResources(target.value);
  if (target.case === "clusterResourceAttributes") checkTemplateWords(target.value.attributes);
  if (target.case === "executionQueueAttributes") {
    checkEach("execution_queue_attributes.tags", target.value.tags, checkPoolName);
  }
  if (target.case === "executionClusterLabel") checkPoolName("execution_cluster_label.value", target.value.value);
  if (target.case === "clusterAssignment") {
    checkPoolName("cluster_assignment.cluster_pool_name", target.value.clusterPoolName);
  }
  if (target.case === "pluginOverrides") {
    checkEach("plugin_overrides.overrides", target.value.overrides, (field, { taskType, pluginId }) => {
      checkText(`${field}.task_type`, taskType);
      checkEach(`${field}.plugin_id`, pluginId, checkText);
    });
  }
  if (target.case === "workflowExecutionConfig") {
    const { maxParallelism, rawOutputDataConfig, annotations } = target.value;
    checkLimits("workflow_execution_config.annotations", annotations);
    checkPriority("workflow_execution_config", target.value);
    if (maxParallelism < 0) throw invalid("workflow_execution_config.max_parallelism", "is below 0");
    checkRawOutput("workflow_execution_config.raw_output_data_config", tenant, rawOutputDataConfig);
  }
}

function checkEach<Item>(field: string, items: readonly Item[], check: (field: string, item: Item) => void): void {
  if (items.length > ENTRIES_MAX)
    throw invalid(field, `has ${items.length} entries: at most ${ENTRIES_MAX} are allowed`);
  for (const [index, item] of items.entries()) check(`${field}[${index}]`, item);
}

function checkPoolName(field: string, name: string): void {
  if (!isPoolName(name)) throw invalid(field, `is ${JSON.stringify(name)}: name a pool, 1 to 63 of a-z, 0-9 and -`);
}

function checkTaskResources({ defaults, limits }: TaskResourceAttributes): void {
  for (const [side, spec] of Object.entries({ defaults, limits })) {
    for (const field of ["cpu", "gpu", "memory", "storage", "ephemeralStorage"] as const) {
      const text = spec?.[field] ?? "";
      if (text === "" || (parseQuantity(text) ?? -1n) >= 0n) continue;
      throw invalid(
        `task_resource_attributes.${side}.${field}`,
        `is ${JSON.stringify(text)}: give a Kubernetes quantity, such as 500m, 2 or 1.5Gi`,
      );
    }
  }
  const most = amountsOf(limits);
  for (const [name, text] of amountsOf(defaults)) {
    const limit = parseQuantity(most.get(name) ?? "");
    if (limit === undefined || limit === 0n || (parseQuantity(text) ?? 0n) <= limit) continue;
    throw invalid("task_resource_attributes.defaults", `ask for ${text} where the limit is ${most.get(name)}`);
  }
}

function checkTemplateWords(values: Readonly<Record<string, string>>): void {
  const field = "cluster_resource_attributes.attributes";
  checkEach(field, Object.entries(values), (_, [word, value]) => {
    if (!TEMPLATE_WORD.test(word))
      throw invalid(field, `have the key ${JSON.stringify(word)}: use letters, digits, _, . and -`);
    if (value.length <= VALUE_LENGTH_MAX && TEMPLATE_VALUE.test(value)) return;
    throw invalid(
      `${field}[${JSON.stringify(word)}]`,
      "holds what templates cannot take: use letters, digits and -_.:/@+=",
    );
  });
}
