import type { GrantedSecret } from "@skein/contracts";
import type { ExecutionSpec } from "@skein/idl/admin";
import { Secret_MountType, type TaskTemplate } from "@skein/idl/core";
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

type Spec = Pick<ExecutionSpec, "securityContext">;

/** What a task and its run ask for, without values. */
export function askedSecrets(template: TaskTemplate, spec: Spec): GrantedSecret[] {
  const asked = [...(template.securityContext?.secrets ?? []), ...(spec.securityContext?.secrets ?? [])];
  return asked
    .filter(({ key, group, groupVersion }) => key !== "" && !`${key}${group}${groupVersion}`.includes("\0"))
    .slice(0, SECRETS_MAX)
    .map(({ group, groupVersion, key, mountRequirement, envVar }) => ({
      group,
      version: groupVersion,
      key,
      mount: MOUNTS[mountRequirement] ?? "any",
      variable: envVar || null,
      value: null,
    }));
}

/**
 * The secrets that a task and its run ask for, with the values that our sources have. One that they do not have is granted
 * without a value: the agent may know it, and user code says best what it misses.
 */
export function grantSecrets(
  source: SecretSource,
  { org, project, domain }: Tenant,
  template: TaskTemplate,
  spec: Spec,
): Promise<GrantedSecret[]> {
  const grantOne = async (secret: GrantedSecret): Promise<GrantedSecret> => {
    const { group, version, key } = secret;
    const value = await source.find({ org, project, domain, group, version, key });
    return { ...secret, value: value === undefined ? null : Buffer.from(value).toString("base64") };
  };
  return Promise.all(askedSecrets(template, spec).map(grantOne));
}
