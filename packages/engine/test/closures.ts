import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { fromBytes, toBytes } from "@skein/idl";
import {
  type BindingDataSchema,
  type CompiledWorkflowClosure,
  CompiledWorkflowClosureSchema,
  type Identifier,
  IdentifierSchema,
  LiteralMapSchema,
  type LiteralSchema,
  type LiteralTypeSchema,
  type NodeSchema,
  SimpleType,
  type TaskTemplateSchema,
  WorkflowMetadata_OnFailurePolicy,
} from "@skein/idl/core";

/** An identifier in the test project. */
export const testId = (name: string): Identifier =>
  create(IdentifierSchema, { project: "p", domain: "d", name, version: "v" });

type NodeInit = Exclude<MessageInitShape<typeof NodeSchema>, { $typeName: string }>;
type BindingInit = MessageInitShape<typeof BindingDataSchema>;

export type NodeTargetInit = NonNullable<NodeInit["target"]>;

/** What a node of a test workflow says; it waits for the nodes it reads from and for those in `after`. */
export interface NodeSpec {
  readonly after?: readonly string[];
  readonly inputs?: Readonly<Record<string, BindingInit>>;
  readonly retries?: number;
  readonly timeoutMs?: number;
  /** Default: a task node of the task `echo`. */
  readonly target?: NodeTargetInit;
}

/** A test workflow: nodes by their id, in order. */
export interface WorkflowSpec {
  readonly name?: string;
  readonly nodes: Readonly<Record<string, NodeSpec>>;
  readonly outputs?: Readonly<Record<string, BindingInit>>;
  readonly isPatient?: boolean;
  /** The failure node, whose id is `fn`. */
  readonly onFailure?: NodeSpec;
  readonly inputTypes?: Readonly<Record<string, MessageInitShape<typeof LiteralTypeSchema>>>;
  readonly outputTypes?: Readonly<Record<string, MessageInitShape<typeof LiteralTypeSchema>>>;
}

/** A node that runs the task `name`. */
export const runsTask = (name: string): NodeTargetInit => ({
  case: "taskNode",
  value: { reference: { case: "referenceId", value: testId(name) } },
});

/** A node that runs the sub-workflow `name`. */
export const runsWorkflow = (name: string): NodeTargetInit => ({
  case: "workflowNode",
  value: { reference: { case: "subWorkflowRef", value: testId(name) } },
});

/** Reads value `from` of a node; node "" is the workflow's own inputs. */
export const promiseOf = (nodeId: string, from = "x", ...path: (string | number)[]): BindingInit => ({
  value: {
    case: "promise",
    value: {
      nodeId,
      var: from,
      attrPath: path.map((part) => ({
        value: typeof part === "string" ? { case: "stringValue", value: part } : { case: "intValue", value: part },
      })),
    },
  },
});

function nodesReadBy(binding: BindingInit): string[] {
  const value = binding.value;
  if (value?.case === "promise") return [value.value.nodeId || "start-node"];
  if (value?.case === "collection") return (value.value.bindings ?? []).flatMap(nodesReadBy);
  return value?.case === "map" ? Object.values(value.value.bindings ?? {}).flatMap(nodesReadBy) : [];
}

const bindingsOf = (inputs: NodeSpec["inputs"]) =>
  Object.entries(inputs ?? {}).map(([key, binding]) => ({ var: key, binding }));

/** A node as flytekit sends it. */
export const toNode = (id: string, { after = [], retries = 0, timeoutMs = 0, inputs, target }: NodeSpec) => ({
  id,
  metadata: {
    retries: { retries },
    timeout: { seconds: BigInt(Math.floor(timeoutMs / 1000)), nanos: (timeoutMs % 1000) * 1e6 },
  },
  inputs: bindingsOf(inputs),
  upstreamNodeIds: [...after],
  target: target ?? runsTask("echo"),
});

function compiled({ name = "main", nodes, outputs = {}, isPatient = false, onFailure, ...types }: WorkflowSpec) {
  const downstream: Record<string, { ids: string[] }> = {};
  const connect = (from: string, to: string): void => {
    downstream[from] ??= { ids: [] };
    downstream[from].ids.push(to);
  };
  const upstreamOf = ({ after = [], inputs }: NodeSpec) =>
    new Set([...after, ...Object.values(inputs ?? {}).flatMap(nodesReadBy)]);
  const hasDownstream = new Set<string>();
  for (const [id, spec] of Object.entries(nodes)) {
    const upstream = upstreamOf(spec);
    for (const from of upstream.size > 0 ? upstream : ["start-node"]) {
      connect(from, id);
      hasDownstream.add(from);
    }
  }
  const leaves = Object.keys(nodes).filter((id) => !hasDownstream.has(id));
  const beforeEnd = new Set([...leaves, ...upstreamOf({ inputs: outputs })]);
  for (const from of beforeEnd.size > 0 ? beforeEnd : ["start-node"]) connect(from, "end-node");
  const variables = (of: WorkflowSpec["inputTypes"]) => ({
    variables: Object.fromEntries(Object.entries(of ?? {}).map(([key, type]) => [key, { type }])),
  });
  return {
    template: {
      id: testId(name),
      metadata: {
        onFailure: isPatient
          ? WorkflowMetadata_OnFailurePolicy.FAIL_AFTER_EXECUTABLE_NODES_COMPLETE
          : WorkflowMetadata_OnFailurePolicy.FAIL_IMMEDIATELY,
      },
      interface: { inputs: variables(types.inputTypes), outputs: variables(types.outputTypes) },
      nodes: [
        { id: "start-node" },
        { id: "end-node", inputs: bindingsOf(outputs) },
        ...Object.entries(nodes).map(([id, spec]) => toNode(id, spec)),
      ],
      ...(onFailure ? { failureNode: toNode("fn", onFailure) } : {}),
    },
    connections: { downstream },
  };
}

/** A compiled closure of workflows; the first is the one that runs. The task `echo` is always there. */
export function closureOf(
  primary: WorkflowSpec,
  subWorkflows: readonly WorkflowSpec[] = [],
  tasks: readonly MessageInitShape<typeof TaskTemplateSchema>[] = [],
): CompiledWorkflowClosure {
  const echo = { id: testId("echo"), type: "echo" };
  return create(CompiledWorkflowClosureSchema, {
    primary: compiled(primary),
    subWorkflows: subWorkflows.map(compiled),
    tasks: [echo, ...tasks].map((template) => ({ template })),
  });
}

type LiteralInit = MessageInitShape<typeof LiteralSchema>;

/** An integer as a literal. */
export const integer = (value: number | bigint): LiteralInit => ({
  value: {
    case: "scalar",
    value: { value: { case: "primitive", value: { value: { case: "integer", value: BigInt(value) } } } },
  },
});

/** A serialized `LiteralMap`. */
export const literals = (entries: Readonly<Record<string, LiteralInit>>): Uint8Array =>
  toBytes(LiteralMapSchema, create(LiteralMapSchema, { literals: entries }));

/** The integers of a serialized `LiteralMap`. */
export function integersOf(bytes: Uint8Array | undefined): Record<string, number> {
  const found = Object.entries(fromBytes(LiteralMapSchema, bytes ?? new Uint8Array()).literals);
  return Object.fromEntries(
    found.map(([key, { value }]) => {
      const scalar = value.case === "scalar" ? value.value.value : undefined;
      const primitive = scalar?.case === "primitive" ? scalar.value.value : undefined;
      return [key, primitive?.case === "integer" ? Number(primitive.value) : Number.NaN];
    }),
  );
}

export const INTEGER: MessageInitShape<typeof LiteralTypeSchema> = {
  type: { case: "simple", value: SimpleType.INTEGER },
};
