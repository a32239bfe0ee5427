import { type Json, jsonOf, listOf } from "./json.ts";
import type { PodSettings } from "./pod-settings.ts";
import type { Problems } from "./problems.ts";

const RESTRICTED_KINDS: ReadonlySet<string> = new Set([
  ...["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"],
]);

/** Volumes that reach the node or other people's machines, or hold a token for Kubernetes' own API. */
export function volumeProblems(spec: Json, { rules }: PodSettings, problems: Problems): void {
  for (const volume of listOf(spec.volumes)) {
    const forbid = (sentence: string) => problems.add(`volume ${JSON.stringify(volume.name)}: ${sentence}`);
    for (const kind of Object.keys(volume).filter((field) => field !== "name" && volume[field] !== undefined)) {
      if (rules.podSecurity === "restricted" && !RESTRICTED_KINDS.has(kind)) forbid(`${kind} is not allowed`);
      else if (rules.podSecurity === "baseline" && kind === "hostPath") forbid("hostPath is not allowed");
    }
    if (rules.serviceAccounts.mayMountToken) continue;
    for (const source of listOf(jsonOf(volume.projected).sources)) {
      if (source.serviceAccountToken !== undefined) forbid("projected.sources.serviceAccountToken is not allowed");
    }
  }
}
