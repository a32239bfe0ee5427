import { SkeinError } from "@skein/errors";
import type { SharedMemory } from "@skein/idl/core";
import { readQuantity } from "../../../task/resources.ts";
import { type Json, listOf } from "./json.ts";
import type { PodDraft } from "./pod-draft.ts";
import { addVolume } from "./volumes.ts";

const DEFAULT_NAME = "flyte-shared-memory";
const DEFAULT_PATH = "/dev/shm";

/** Gives the primary container a folder in memory, bounded by what the task asks for. */
export function withSharedMemory(draft: PodDraft, memory: SharedMemory | undefined): PodDraft {
  if (!memory) return draft;
  const sizeLimit = memory.sizeLimit.trim();
  if (sizeLimit !== "" && readQuantity(sizeLimit) === undefined) {
    const message = `${JSON.stringify(sizeLimit)} is no size of shared memory that Kubernetes can read; sizes look like 512Mi or 2Gi`;
    throw new SkeinError("invalid_argument", "resource_quantity_invalid", message);
  }
  const emptyDir: Json = { medium: "Memory", ...(sizeLimit === "" ? {} : { sizeLimit }) };
  const mount = { name: memory.mountName || DEFAULT_NAME, mountPath: memory.mountPath || DEFAULT_PATH };
  const containers = listOf(draft.spec.containers).map(({ name }) => name);
  return {
    ...draft,
    spec: addVolume(
      draft.spec,
      { name: mount.name, emptyDir },
      mount,
      (name) => name === draft.primary && containers.includes(name),
    ),
  };
}
