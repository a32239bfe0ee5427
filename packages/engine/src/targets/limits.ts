import type { Node, TaskMetadata } from "@skein/idl/core";
import type { CacheSettings, NodeTarget } from "../program.ts";

/** Longest cache version that Flyte takes; a task with a longer one, or with none, is not cached. */
const CACHE_VERSION_LENGTH_MAX = 255;

/** A protobuf duration in milliseconds; nothing said is 0. */
export const toMs = (duration: { readonly seconds: bigint; readonly nanos: number } | undefined): number =>
  duration === undefined ? 0 : Number(duration.seconds) * 1000 + Math.round(duration.nanos / 1e6);

/** How a node may be tried and cached. Node and task say 0 for "nothing said", so a node's number wins only above 0. */
export function readLimits(node: Node, target: NodeTarget, isInterruptibleByDefault: boolean) {
  const task = target.kind === "task" ? target.task.template.metadata : undefined;
  const { metadata } = node;
  const said =
    metadata?.interruptibleValue.case === "interruptible" ? metadata.interruptibleValue : task?.interruptibleValue;
  return {
    retries: metadata?.retries?.retries || task?.retries?.retries || 0,
    timeoutMs: toMs(metadata?.timeout) || toMs(task?.timeout),
    interruptible: said?.value ?? isInterruptibleByDefault,
    cache: target.kind === "task" ? readCache(node, task) : null,
  };
}

function readCache({ metadata }: Node, task: TaskMetadata | undefined): CacheSettings | null {
  const isOn =
    metadata?.cacheableValue.case === "cacheable" ? metadata.cacheableValue.value : (task?.discoverable ?? false);
  const version =
    metadata?.cacheVersionValue.case === "cacheVersion"
      ? metadata.cacheVersionValue.value
      : (task?.discoveryVersion ?? "");
  if (!isOn || version === "" || version.length > CACHE_VERSION_LENGTH_MAX) return null;
  const isSerialized =
    metadata?.cacheSerializableValue.case === "cacheSerializable"
      ? metadata.cacheSerializableValue.value
      : (task?.cacheSerializable ?? false);
  return { version, isSerialized, ignoredInputs: new Set(task?.cacheIgnoreInputVars) };
}
