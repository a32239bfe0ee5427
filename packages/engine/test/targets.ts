import type { MessageInitShape } from "@bufbuild/protobuf";
import { ComparisonExpression_Operator as Comparison, type IfElseBlockSchema } from "@skein/idl/core";
import { type NodeSpec, type NodeTargetInit, testId, toNode } from "./closures.ts";

type IfElse = Exclude<MessageInitShape<typeof IfElseBlockSchema>, { $typeName: string }>;
type Condition = NonNullable<NonNullable<IfElse["case"]>["condition"]>;

/** `variable <operator> value`, for an integer input of the branch. */
export const when = (variable: string, operator: keyof typeof Comparison, value: number | bigint): Condition => ({
  expr: {
    case: "comparison",
    value: {
      operator: Comparison[operator],
      leftValue: { val: { case: "var", value: variable } },
      rightValue: { val: { case: "primitive", value: { value: { case: "integer", value: BigInt(value) } } } },
    },
  },
});

/** A node that chooses: cases by the id of their node, and what happens when none holds. */
export function chooses(
  cases: Readonly<Record<string, readonly [Condition, NodeSpec]>>,
  otherwise?: { readonly id: string; readonly node: NodeSpec } | { readonly fails: string },
): NodeTargetInit {
  const [first, ...other] = Object.entries(cases).map(([id, [condition, spec]]) => ({
    condition,
    thenNode: toNode(id, spec),
  }));
  const fallback = (): NonNullable<IfElse["default"]> => {
    if (!otherwise) return { case: undefined };
    if ("fails" in otherwise) return { case: "error", value: { message: otherwise.fails } };
    return { case: "elseNode", value: toNode(otherwise.id, otherwise.node) };
  };
  return {
    case: "branchNode",
    value: { ifElse: { ...(first ? { case: first } : {}), other, default: fallback() } },
  };
}

/** How a map runs its items. */
export interface MapOptions {
  readonly parallelism?: number;
  readonly minSuccesses?: number;
  readonly minSuccessRatio?: number;
  readonly boundInputs?: readonly string[];
  /** Each item is given its own part of the inputs. */
  readonly isSplit?: boolean;
  readonly retries?: number;
  /** The mapped entity's interface says what one item takes. */
  readonly keepsInterface?: boolean;
}

/** A node that does `target` for each element of the lists it is given. */
export function maps(target: NodeTargetInit, options: MapOptions = {}): NodeTargetInit {
  const { parallelism, minSuccesses, minSuccessRatio, boundInputs = [], isSplit = false, retries = 0 } = options;
  return {
    case: "arrayNode",
    value: {
      node: toNode("mapped", { target, retries }),
      ...(parallelism === undefined ? {} : { parallelismOption: { case: "parallelism", value: parallelism } }),
      ...(minSuccesses === undefined ? {} : { successCriteria: { case: "minSuccesses", value: minSuccesses } }),
      ...(minSuccessRatio === undefined
        ? {}
        : { successCriteria: { case: "minSuccessRatio", value: minSuccessRatio } }),
      boundInputs: [...boundInputs],
      dataMode: isSplit ? 1 : 0,
      isOriginalSubNodeInterface: options.keepsInterface ?? false,
    },
  };
}

/** A node that starts the launch plan `name`. */
export const launches = (name: string): NodeTargetInit => ({
  case: "workflowNode",
  value: { reference: { case: "launchplanRef", value: testId(name) } },
});

/** A gate that passes after a while. */
export const sleeps = (durationMs: number): NodeTargetInit => ({
  case: "gateNode",
  value: {
    condition: {
      case: "sleep",
      value: { duration: { seconds: BigInt(Math.floor(durationMs / 1000)), nanos: (durationMs % 1000) * 1e6 } },
    },
  },
});

/** A gate that asks for a yes. */
export const asksApproval = (signalId: string): NodeTargetInit => ({
  case: "gateNode",
  value: { condition: { case: "approve", value: { signalId } } },
});

/** A gate that asks for a value, and hands it out as `x`. */
export const asksValue = (signalId: string): NodeTargetInit => ({
  case: "gateNode",
  value: {
    condition: {
      case: "signal",
      value: { signalId, outputVariableName: "x", type: { type: { case: "simple", value: 1 } } },
    },
  },
});
