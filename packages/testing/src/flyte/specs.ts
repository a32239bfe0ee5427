import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type LaunchPlanCreateRequest,
  LaunchPlanCreateRequestSchema,
  LaunchPlanSpecSchema,
  type TaskCreateRequest,
  TaskCreateRequestSchema,
  type WorkflowCreateRequest,
  WorkflowCreateRequestSchema,
} from "@skein/idl/admin";
import {
  type Binding,
  BindingSchema,
  type Identifier,
  IdentifierSchema,
  type Node,
  NodeSchema,
  ResourceType,
  SimpleType,
  type TypedInterface,
  TypedInterfaceSchema,
} from "@skein/idl/core";

/** Where test entities are registered: a project and domain that every server has. */
export const TEST_TENANT = { project: "flytesnacks", domain: "development" } as const;

/** An identifier in the test project. */
export const testId = (resourceType: ResourceType, name: string, version = "v1"): Identifier =>
  create(IdentifierSchema, { resourceType, ...TEST_TENANT, name, version });

const INTEGER = { type: { case: "simple" as const, value: SimpleType.INTEGER } };
const LIST = { type: { case: "collectionType" as const, value: INTEGER } };

const variables = (names: readonly string[], type: typeof INTEGER | typeof LIST) => ({
  variables: Object.fromEntries(names.map((name) => [name, { type }])),
});

/** An interface whose inputs and outputs are integers. */
export const integerInterface = (inputs: readonly string[], outputs: readonly string[]): TypedInterface =>
  create(TypedInterfaceSchema, { inputs: variables(inputs, INTEGER), outputs: variables(outputs, INTEGER) });

/** An interface whose inputs and outputs are lists of integers. */
export const listInterface = (inputs: readonly string[], outputs: readonly string[]): TypedInterface =>
  create(TypedInterfaceSchema, { inputs: variables(inputs, LIST), outputs: variables(outputs, LIST) });

/** Flyte's no-op: its outputs are its inputs (`x`), and no process is started. */
export function echoTask(name: string, version?: string): TaskCreateRequest {
  const id = testId(ResourceType.TASK, name, version);
  return create(TaskCreateRequestSchema, {
    id,
    spec: { template: { id, type: "echo", metadata: {}, interface: integerInterface(["x"], ["x"]) } },
  });
}

/** What a raw command may ask for beside its command line. */
export interface CommandTaskOptions {
  readonly version?: string;
  readonly inputs?: readonly string[];
  /** Integers that the command leaves in `{{.outputPrefix}}/outputs.pb`, or says how to make by a `futures.pb` there. */
  readonly outputs?: readonly string[];
  readonly retries?: number;
  readonly timeoutSeconds?: number;
  readonly image?: string;
}

/** A container task that runs `command`. Inputs are integers, usable as `{{.inputs.name}}`. */
export function commandTask(
  name: string,
  command: readonly string[],
  options: CommandTaskOptions = {},
): TaskCreateRequest {
  const id = testId(ResourceType.TASK, name, options.version);
  return create(TaskCreateRequestSchema, {
    id,
    spec: {
      template: {
        id,
        type: "raw-container",
        metadata: {
          ...(options.retries === undefined ? {} : { retries: { retries: options.retries } }),
          ...(options.timeoutSeconds === undefined ? {} : { timeout: { seconds: BigInt(options.timeoutSeconds) } }),
        },
        interface: integerInterface(options.inputs ?? [], options.outputs ?? []),
        target: {
          case: "container",
          value: { image: options.image ?? "busybox:1", command: [...command], args: [] },
        },
      },
    },
  });
}

/** Binds input `to` to the output `from` of a node; node id "" is the workflow's own input. */
export const bindTo = (to: string, nodeId: string, from: string): Binding =>
  create(BindingSchema, {
    var: to,
    binding: { value: { case: "promise", value: { nodeId, var: from } } },
  });

/** An integer as the value of a literal or of a binding. */
export const integerScalar = (value: number) => ({
  case: "scalar" as const,
  value: {
    value: { case: "primitive" as const, value: { value: { case: "integer" as const, value: BigInt(value) } } },
  },
});

/** Binds input `to` to an integer. */
export const bindInteger = (to: string, value: number): Binding =>
  create(BindingSchema, { var: to, binding: { value: integerScalar(value) } });

/** Binds input `to` to a list of integers. */
export const bindIntegers = (to: string, values: readonly number[]): Binding =>
  create(BindingSchema, {
    var: to,
    binding: {
      value: { case: "collection", value: { bindings: values.map((value) => ({ value: integerScalar(value) })) } },
    },
  });

/** A node that runs `task`, after `upstream` nodes, with its retries and timeout copied as flytekit does. */
export const taskNode = (
  id: string,
  task: TaskCreateRequest,
  inputs: readonly Binding[] = [],
  upstream: readonly string[] = [],
): Node => {
  const metadata = task.spec?.template?.metadata;
  return create(NodeSchema, {
    id,
    metadata: {
      name: id,
      ...(metadata?.retries ? { retries: metadata.retries } : {}),
      ...(metadata?.timeout ? { timeout: metadata.timeout } : {}),
    },
    inputs: [...inputs],
    upstreamNodeIds: [...upstream],
    target: {
      case: "taskNode",
      value: { reference: { case: "referenceId", value: task.id ?? testId(ResourceType.TASK, id) } },
    },
  });
};

/** A workflow over `nodes`; its outputs are the given bindings. */
export function workflowOf(
  name: string,
  nodes: readonly Node[],
  io: TypedInterface,
  outputs: readonly Binding[] = [],
  version?: string,
): WorkflowCreateRequest {
  const id = testId(ResourceType.WORKFLOW, name, version);
  return create(WorkflowCreateRequestSchema, {
    id,
    spec: {
      template: { id, metadata: {}, metadataDefaults: {}, interface: io, nodes: [...nodes], outputs: [...outputs] },
    },
  });
}

/** `length` tasks one after the other, each handing `x` on to the next when `task` has that input and output. */
export function chainOf(
  name: string,
  task: TaskCreateRequest,
  length: number,
  version?: string,
): WorkflowCreateRequest {
  const passesOn = task.spec?.template?.interface?.outputs?.variables.x !== undefined;
  const takes = task.spec?.template?.interface?.inputs?.variables.x !== undefined;
  const nodes = Array.from({ length }, (_, index) => {
    const before = index === 0 ? "" : `n${index - 1}`;
    const inputs = takes ? [bindTo("x", passesOn ? before : "", "x")] : [];
    return taskNode(`n${index}`, task, inputs, index === 0 ? [] : [before]);
  });
  const outputs = passesOn ? [bindTo("x", `n${length - 1}`, "x")] : [];
  return workflowOf(name, nodes, integerInterface(takes ? ["x"] : [], passesOn ? ["x"] : []), outputs, version);
}

/** `width` tasks side by side over the same `x`. */
export function fanOf(name: string, task: TaskCreateRequest, width: number, version?: string): WorkflowCreateRequest {
  const nodes = Array.from({ length: width }, (_, index) => taskNode(`n${index}`, task, [bindTo("x", "", "x")]));
  return workflowOf(name, nodes, integerInterface(["x"], ["x"]), [bindTo("x", "n0", "x")], version);
}

/** The default launch plan of a workflow, as flytekit sends it. */
export function launchPlanOf(
  workflow: WorkflowCreateRequest,
  spec: Omit<MessageInitShape<typeof LaunchPlanSpecSchema>, "$typeName" | "$unknown"> = {},
): LaunchPlanCreateRequest {
  const name = workflow.id?.name ?? "";
  return create(LaunchPlanCreateRequestSchema, {
    id: testId(ResourceType.LAUNCH_PLAN, name, workflow.id?.version),
    spec: create(LaunchPlanSpecSchema, { ...(workflow.id ? { workflowId: workflow.id } : {}), ...spec }),
  });
}
