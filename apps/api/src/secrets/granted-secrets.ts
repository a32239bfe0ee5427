import type { GrantedSecret } from "@skein/contracts";
import type { ExecutionSpec } from "@skein/idl/admin";
import { type Secret, Secret_MountType, type TaskTemplate } from "@skein/idl/core";
import type { SecretSource } from "@skein/secrets";

/** A task that names more gets the first of them. */
const SECRETS_MAX = 100;
const MOUNTS: Record<Secret_MountType, GrantedSecret["mount"]> = {
  [Secret_MountType.ANY]: "any",
  [Secret_MountType.ENV_VAR]: "variable",
  [Secret_MountType.FILE]: "file",
};

/** Whose task asks: taken from the run's row, never from what the task says. */
export interface Tenant {
  readonly org: string;
  readonly project: string;
  readonly domain: string;
}

/**
 * The secrets that a task and its run ask for, with the values that our sources have. One that they do not have is granted
 * without a value: the agent may know it, and user code says best what it misses.
 */
export function grantSecrets(
  source: SecretSource,
  { org, project, domain }: Tenant,
  template: TaskTemplate,
  spec: Pick<ExecutionSpec, "securityContext">,
): Promise<GrantedSecret[]> {
  const asked = [...(template.securityContext?.secrets ?? []), ...(spec.securityContext?.secrets ?? [])];
  const grantOne = async ({ group, groupVersion, key, mountRequirement, envVar }: Secret): Promise<GrantedSecret> => {
    const value = await source.find({ org, project, domain, group, version: groupVersion, key });
    return {
      group,
      version: groupVersion,
      key,
      mount: MOUNTS[mountRequirement] ?? "any",
      variable: envVar === undefined || envVar === "" ? null : envVar,
      value: value === undefined ? null : Buffer.from(value).toString("base64"),
    };
  };
  return Promise.all(
    asked
      .filter(({ key, group, groupVersion }) => key !== "" && !`${key}${group}${groupVersion}`.includes("\0"))
      .slice(0, SECRETS_MAX)
      .map(grantOne),
  );
}
