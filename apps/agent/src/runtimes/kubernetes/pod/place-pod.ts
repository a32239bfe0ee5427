import type { Launch } from "../../runtime.ts";
import { acceleratorPlacement } from "./accelerator.ts";
import { type Json, jsonOf, listOf, union } from "./json.ts";
import { containersOf, textsOf } from "./pod-draft.ts";
import type { PodRules } from "./pod-settings.ts";
import type { Problems } from "./problems.ts";

/**
 * Adds where the pod may run: the administrator's placement, that of interruptible tasks or of the others, and what its
 * resources bring along. It comes after all merging and holds for every alternative of the pod's own affinity.
 */
export function placePod(spec: Json, launch: Launch, rules: PodRules, problems: Problems): Json {
  const kind = launch.grant.interruptible ? rules.interruptible : rules.uninterruptible;
  const accelerator = acceleratorPlacement(launch.template.extendedResources?.gpuAccelerator, spec, rules);
  const requirements = [...rules.placement.nodeRequirements, ...kind.nodeRequirements, ...accelerator.nodeRequirements];
  const tolerations = [
    ...[...rules.placement.tolerations, ...kind.tolerations, ...accelerator.tolerations],
    ...resourceTolerations(spec, rules),
  ];
  const selector = { ...rules.placement.nodeSelector, ...kind.nodeSelector };
  const own = textsOf(spec.nodeSelector);
  for (const [name, value] of Object.entries(selector)) {
    if (own[name] !== undefined && own[name] !== value)
      problems.add(`nodeSelector[${JSON.stringify(name)}] must be ${value}`);
  }
  const nodeSelector = { ...own, ...selector };
  return {
    ...spec,
    ...(Object.keys(nodeSelector).length > 0 ? { nodeSelector } : {}),
    ...(tolerations.length > 0 ? { tolerations: union(listOf(spec.tolerations), tolerations) } : {}),
    ...(requirements.length > 0 ? { affinity: requireNodes(jsonOf(spec.affinity), requirements) } : {}),
    ...chosen(spec, "runtimeClassName", rules.runtimeClassName, problems),
    ...chosen(spec, "schedulerName", rules.schedulerName, problems),
  };
}

/** What Kubernetes fills into every PodTemplate, so that it is nobody's choice. */
const USUAL_SCHEDULER = "default-scheduler";

/** A name that is the administrator's to choose, where the administrator did. */
function chosen(spec: Json, field: string, name: string | undefined, problems: Problems): Json {
  if (name === undefined) return {};
  const own = spec[field];
  if (own !== undefined && own !== name && own !== USUAL_SCHEDULER) problems.add(`${field} must be ${name}`);
  return { [field]: name };
}

function resourceTolerations(spec: Json, rules: PodRules): Json[] {
  const asked = new Set(
    containersOf(spec).flatMap((container) => {
      const { requests, limits } = jsonOf(container.resources);
      return [...Object.keys(jsonOf(requests)), ...Object.keys(jsonOf(limits))];
    }),
  );
  return Object.entries(rules.resourceTolerations).flatMap(([name, tolerations]) =>
    asked.has(name) ? tolerations : [],
  );
}

/** Terms are alternatives, so each of them gets the requirements. */
function requireNodes(affinity: Json, requirements: readonly Json[]): Json {
  const nodeAffinity = jsonOf(affinity.nodeAffinity);
  const required = jsonOf(nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution);
  const given = listOf(required.nodeSelectorTerms);
  const terms = given.length > 0 ? given : [{}];
  const nodeSelectorTerms = terms.map((term) => ({
    ...term,
    matchExpressions: union(listOf(term.matchExpressions), requirements),
  }));
  return {
    ...affinity,
    nodeAffinity: {
      ...nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { ...required, nodeSelectorTerms },
    },
  };
}
