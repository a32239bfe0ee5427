import type { Identifier, WorkflowTemplate } from "@skein/idl/core";
import { entityKey } from "../entity-key.ts";
import { walkNodes } from "./walk-nodes.ts";

/** What a workflow's nodes refer to by name, each once, sorted by key. */
export interface RequiredIds {
  readonly tasks: readonly Identifier[];
  readonly launchPlans: readonly Identifier[];
}

const sorted = (byKey: ReadonlyMap<string, Identifier>): Identifier[] =>
  [...byKey.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, id]) => id);

/** The tasks and launch plans to fetch before `compileWorkflow` can be called. */
export function requiredIds(template: WorkflowTemplate, subWorkflows: readonly WorkflowTemplate[] = []): RequiredIds {
  const tasks = new Map<string, Identifier>();
  const launchPlans = new Map<string, Identifier>();
  for (const workflow of [template, ...subWorkflows]) {
    walkNodes(workflow, ({ target }) => {
      if (target.case !== "taskNode" && target.case !== "workflowNode") return;
      const { reference } = target.value;
      if (reference.case === "referenceId") tasks.set(entityKey(reference.value), reference.value);
      if (reference.case === "launchplanRef") launchPlans.set(entityKey(reference.value), reference.value);
    });
  }
  return { tasks: sorted(tasks), launchPlans: sorted(launchPlans) };
}
