import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Binding,
  type BindingDataSchema,
  BindingSchema,
  type CompiledTask,
  CompiledTaskSchema,
  type Identifier,
  IdentifierSchema,
  type LiteralType,
  type Node,
  NodeSchema,
  ResourceType,
  type WorkflowTemplate,
  WorkflowTemplateSchema,
} from "@skein/idl/core";
import { variables } from "./literals.ts";

type Types = Readonly<Record<string, LiteralType>>;

export const idOf = (resourceType: ResourceType, name: string): Identifier =>
  create(IdentifierSchema, { resourceType, project: "p", domain: "d", name, version: "v" });

export const taskOf = (name: string, inputs: Types, outputs: Types): CompiledTask =>
  create(CompiledTaskSchema, {
    template: {
      id: idOf(ResourceType.TASK, name),
      type: "echo",
      interface: { inputs: variables(inputs), outputs: variables(outputs) },
    },
  });

/** What a binding is given as: `node.variable`, `.variable` for a workflow input, or the message itself. */
export type Given = string | MessageInitShape<typeof BindingDataSchema>;

export function binding(name: string, given: Given): Binding {
  if (typeof given !== "string") return create(BindingSchema, { var: name, binding: given });
  const dot = given.indexOf(".");
  const promise = { nodeId: given.slice(0, dot), var: given.slice(dot + 1) };
  return create(BindingSchema, { var: name, binding: { value: { case: "promise", value: promise } } });
}

type Rest = Omit<MessageInitShape<typeof NodeSchema>, "$typeName" | "$unknown" | "id" | "inputs">;

/** A node of any kind, with inputs by name. */
export const nodeOf = (id: string, inputs: Readonly<Record<string, Given>>, rest: Rest): Node =>
  create(NodeSchema, {
    ...rest,
    id,
    inputs: Object.entries(inputs).map(([name, given]) => binding(name, given)),
  });

type Target = NonNullable<Rest["target"]>;

export const runs = (task: string): Target => ({
  case: "taskNode",
  value: { reference: { case: "referenceId", value: idOf(ResourceType.TASK, task) } },
});

export const contains = (workflow: string): Target => ({
  case: "workflowNode",
  value: { reference: { case: "subWorkflowRef", value: idOf(ResourceType.WORKFLOW, workflow) } },
});

export const launches = (plan: string): Target => ({
  case: "workflowNode",
  value: { reference: { case: "launchplanRef", value: idOf(ResourceType.LAUNCH_PLAN, plan) } },
});

export interface TemplateParts {
  readonly name?: string;
  readonly inputs?: Types;
  readonly outputs?: Readonly<Record<string, readonly [LiteralType, Given]>>;
  readonly nodes: readonly Node[];
  readonly failureNode?: Node;
}

export const workflowOf = ({ name = "wf", inputs = {}, outputs = {}, nodes, failureNode }: TemplateParts) => {
  const types = Object.entries(outputs).map(([key, [type]]) => [key, type] as const);
  return create(WorkflowTemplateSchema, {
    id: idOf(ResourceType.WORKFLOW, name),
    interface: { inputs: variables(inputs), outputs: variables(Object.fromEntries(types)) },
    nodes: [...nodes],
    outputs: Object.entries(outputs).map(([key, [, given]]) => binding(key, given)),
    ...(failureNode ? { failureNode } : {}),
  }) satisfies WorkflowTemplate;
};
