import type { GPUAccelerator } from "@skein/idl/core";
import { type Json, jsonOf, listOf } from "./json.ts";
import type { PodRules } from "./pod-settings.ts";

/** Which nodes have the device, and what keeps other pods off them; the same form as an administrator's placement. */
export interface AcceleratorPlacement {
  readonly nodeRequirements: readonly Json[];
  readonly tolerations: readonly Json[];
}

const NONE: AcceleratorPlacement = { nodeRequirements: [], tolerations: [] };

/** Where a task finds the accelerator it asks for. A pod whose containers ask for no GPU needs none of it. */
export function acceleratorPlacement(
  accelerator: GPUAccelerator | undefined,
  spec: Json,
  { gpu }: PodRules,
): AcceleratorPlacement {
  const needsGpu = listOf(spec.containers).some(
    (container) => gpu.resourceName in jsonOf(jsonOf(container.resources).limits),
  );
  if (!accelerator || !needsGpu) return NONE;
  const device = accelerator.device && (gpu.devices[accelerator.device.toUpperCase()] ?? accelerator.device);
  const parts = [device ? labelled(gpu.deviceLabel, device) : NONE, partition(accelerator, gpu)];
  return {
    nodeRequirements: parts.flatMap(({ nodeRequirements }) => nodeRequirements),
    tolerations: parts.flatMap(({ tolerations }) => tolerations),
  };
}

function partition({ partitionSizeValue: size }: GPUAccelerator, gpu: PodRules["gpu"]): AcceleratorPlacement {
  if (size.case === "partitionSize") return labelled(gpu.partitionSizeLabel, size.value);
  if (size.case !== "unpartitioned" || !size.value) return NONE;
  return {
    nodeRequirements: [gpu.unpartitioned ?? { key: gpu.partitionSizeLabel, operator: "DoesNotExist" }],
    tolerations: gpu.unpartitionedToleration ? [gpu.unpartitionedToleration] : [],
  };
}

/** Nodes with this label, which are usually tainted with it too. */
const labelled = (key: string, value: string): AcceleratorPlacement => ({
  nodeRequirements: [{ key, operator: "In", values: [value] }],
  tolerations: [{ key, operator: "Equal", value, effect: "NoSchedule" }],
});
