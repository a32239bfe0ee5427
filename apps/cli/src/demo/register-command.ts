import { errorCodeOf, type SkeinClient } from "@skein/client";

/** A project and one of its domains. */
export interface Tenant {
  readonly project: string;
  readonly domain: string;
}

/** Registers version 1 of a task that runs `command`. The spec is a `flyteidl.admin.TaskSpec` in protobuf's JSON form. */
export async function registerCommand(
  client: SkeinClient,
  tenant: Tenant,
  name: string,
  command: readonly string[],
): Promise<void> {
  const container = { image: "busybox", command: [...command] };
  const spec = { template: { type: "raw-container", interface: {}, container } };
  try {
    await client.tasks.create.mutate({ ...tenant, name, version: "1", spec });
  } catch (error) {
    // An earlier demo registered the very same task.
    if (errorCodeOf(error) !== "already_exists") throw error;
  }
}
