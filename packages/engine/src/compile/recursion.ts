import type { WorkflowTemplate } from "@skein/idl/core";
import { entityKey } from "../entity-key.ts";
import { START_NODE_ID } from "../system-nodes.ts";
import type { ReportError } from "./compile-error.ts";
import { walkNodes } from "./walk-nodes.ts";

function subWorkflowKeys(template: WorkflowTemplate): string[] {
  const keys = new Set<string>();
  walkNodes(template, ({ target }) => {
    if (target.case !== "workflowNode" || target.value.reference.case !== "subWorkflowRef") return;
    keys.add(entityKey(target.value.reference.value));
  });
  return [...keys];
}

/** Reports sub-workflows that contain themselves, which no run could ever end. */
export function findRecursions(
  primary: WorkflowTemplate,
  subWorkflows: ReadonlyMap<string, WorkflowTemplate>,
  report: ReportError,
): void {
  const done = new Set<string>();
  const visit = (template: WorkflowTemplate, path: readonly string[]): void => {
    for (const key of subWorkflowKeys(template)) {
      const sub = subWorkflows.get(key);
      if (path.includes(key)) {
        const cycle = [...path.slice(path.indexOf(key)), key].join(">");
        report("CycleDetected", START_NODE_ID, `A cycle has been detected while traversing the Workflow [${cycle}].`);
      } else if (sub && !done.has(key)) {
        visit(sub, [...path, key]);
        done.add(key);
      }
    }
  };
  visit(primary, primary.id ? [entityKey(primary.id)] : []);
}
