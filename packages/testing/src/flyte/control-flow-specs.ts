import { clone, create, type MessageInitShape } from "@bufbuild/protobuf";
import { toBytes } from "@skein/idl";
import type { TaskCreateRequest, WorkflowCreateRequest } from "@skein/idl/admin";
import { TaskCreateRequestSchema, WorkflowCreateRequestSchema } from "@skein/idl/admin";
import {
  ArrayNode_DataMode,
  type ArrayNodeSchema,
  type Binding,
  type BooleanExpression,
  BooleanExpressionSchema,
  ComparisonExpression_Operator as Comparison,
  DynamicJobSpecSchema,
  type GateNodeSchema,
  type Node,
  NodeSchema,
  ResourceType,
  SimpleType,
} from "@skein/idl/core";
import { bindTo, listInterface, taskNode, testId, workflowOf } from "./specs.ts";

/** What a node is given, and what it waits for beside that. */
export interface PlaceOptions {
  readonly inputs?: readonly Binding[];
  readonly upstream?: readonly string[];
}

type NodeTarget = NonNullable<Exclude<MessageInitShape<typeof NodeSchema>, { $typeName: string }>["target"]>;

const nodeOf = (id: string, { inputs = [], upstream = [] }: PlaceOptions, target: NodeTarget): Node =>
  create(NodeSchema, { id, metadata: { name: id }, inputs: [...inputs], upstreamNodeIds: [...upstream], target });

/** How a map runs its items. */
export interface MapOptions extends PlaceOptions {
  readonly parallelism?: number;
  readonly minSuccessRatio?: number;
  readonly boundInputs?: readonly string[];
}

/** A node that does what `item` does for each element of the lists it is given; each item gets inputs of its own. */
export function mapOf(id: string, item: Node, options: MapOptions = {}): Node {
  const { parallelism, minSuccessRatio, boundInputs = [] } = options;
  const value: MessageInitShape<typeof ArrayNodeSchema> = {
    node: item,
    ...(parallelism === undefined ? {} : { parallelismOption: { case: "parallelism", value: parallelism } }),
    ...(minSuccessRatio === undefined ? {} : { successCriteria: { case: "minSuccessRatio", value: minSuccessRatio } }),
    boundInputs: [...boundInputs],
    dataMode: ArrayNode_DataMode.INDIVIDUAL_INPUT_FILES,
    isOriginalSubNodeInterface: true,
  };
  return nodeOf(id, options, { case: "arrayNode", value });
}

/** A workflow that maps `task` over the list `x` and hands out the list `x`. */
export const mapWorkflowOf = (name: string, task: TaskCreateRequest, options: MapOptions = {}): WorkflowCreateRequest =>
  workflowOf(
    name,
    [mapOf("n0", taskNode("item", task), { ...options, inputs: [bindTo("x", "", "x")] })],
    listInterface(["x"], ["x"]),
    [bindTo("x", "n0", "x")],
  );

/** `variable <operator> value`, for an integer input of the branch. */
export const whenInput = (variable: string, operator: keyof typeof Comparison, value: number): BooleanExpression =>
  create(BooleanExpressionSchema, {
    expr: {
      case: "comparison",
      value: {
        operator: Comparison[operator],
        leftValue: { val: { case: "var", value: variable } },
        rightValue: { val: { case: "primitive", value: { value: { case: "integer", value: BigInt(value) } } } },
      },
    },
  });

/** A node that runs `thenNode` where the condition holds, and otherwise another one, or fails with these words. */
export const branchOf = (
  id: string,
  condition: BooleanExpression,
  thenNode: Node,
  otherwise: Node | string,
  options: PlaceOptions = {},
): Node =>
  nodeOf(id, options, {
    case: "branchNode",
    value: {
      ifElse: {
        case: { condition, thenNode },
        default:
          typeof otherwise === "string"
            ? { case: "error", value: { failedNodeId: id, message: otherwise } }
            : { case: "elseNode", value: otherwise },
      },
    },
  });

const gateOf = (id: string, options: PlaceOptions, value: MessageInitShape<typeof GateNodeSchema>): Node =>
  nodeOf(id, options, { case: "gateNode", value });

/** A gate that passes after whole seconds. */
export const sleepOf = (id: string, seconds: number, options: PlaceOptions = {}): Node =>
  gateOf(id, options, { condition: { case: "sleep", value: { duration: { seconds: BigInt(seconds) } } } });

/** A gate that asks for an integer under the name `signalId`, and hands it out as `x`. */
export const signalOf = (id: string, signalId: string, options: PlaceOptions = {}): Node =>
  gateOf(id, options, {
    condition: {
      case: "signal",
      value: { signalId, outputVariableName: "x", type: { type: { case: "simple", value: SimpleType.INTEGER } } },
    },
  });

/** A node that starts the default launch plan of a workflow as a run of its own. */
export const launchPlanNode = (id: string, workflow: string, options: PlaceOptions = {}): Node =>
  nodeOf(id, options, {
    case: "workflowNode",
    value: { reference: { case: "launchplanRef", value: testId(ResourceType.LAUNCH_PLAN, workflow) } },
  });

/** A node that runs a workflow inside of the run; its own workflow must come `withSubWorkflow`. */
export const subWorkflowNode = (
  id: string,
  { id: workflow }: WorkflowCreateRequest,
  options: PlaceOptions = {},
): Node =>
  nodeOf(id, options, {
    case: "workflowNode",
    value: { reference: { case: "subWorkflowRef", value: workflow ?? {} } },
  });

/** The same workflow, registered along with one that its nodes run. */
export function withSubWorkflow(
  workflow: WorkflowCreateRequest,
  { spec: sub }: WorkflowCreateRequest,
): WorkflowCreateRequest {
  const copy = clone(WorkflowCreateRequestSchema, workflow);
  if (sub?.template) copy.spec?.subWorkflows.push(sub.template);
  return copy;
}

/** The same workflow, with a node that runs when it fails. */
export function withFailureNode(workflow: WorkflowCreateRequest, failureNode: Node): WorkflowCreateRequest {
  const copy = clone(WorkflowCreateRequestSchema, workflow);
  if (copy.spec?.template) copy.spec.template.failureNode = failureNode;
  return copy;
}

/** The same task, whose outputs are cached; of several runs with the same inputs one computes and the others wait. */
export function cachedTask(task: TaskCreateRequest, version = "1"): TaskCreateRequest {
  const copy = clone(TaskCreateRequestSchema, task);
  const metadata = copy.spec?.template?.metadata;
  if (metadata) Object.assign(metadata, { discoverable: true, discoveryVersion: version, cacheSerializable: true });
  return copy;
}

/** What a dynamic task leaves as `futures.pb`: a serialized `DynamicJobSpec`. */
export const futuresOf = (
  nodes: readonly Node[],
  tasks: readonly TaskCreateRequest[],
  outputs: readonly Binding[] = [],
): Uint8Array =>
  toBytes(
    DynamicJobSpecSchema,
    create(DynamicJobSpecSchema, {
      nodes: [...nodes],
      tasks: tasks.flatMap(({ spec }) => (spec?.template ? [spec.template] : [])),
      outputs: [...outputs],
    }),
  );
