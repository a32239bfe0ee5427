import { SkeinError } from "@skein/errors";

/** A project and one of its domains. */
export interface Tenant {
  readonly project: string;
  readonly domain: string;
}

/** Registers version 1 of a task that runs `command`, through Flyte's REST API as any HTTP client can. */
export async function registerCommand(
  url: string,
  tenant: Tenant,
  name: string,
  command: readonly string[],
): Promise<void> {
  const id = { resource_type: "TASK", ...tenant, name, version: "1" };
  const template = { id, type: "raw-container", interface: {}, container: { image: "busybox", command } };
  const answer = await fetch(`${url}/api/v1/tasks`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ id, spec: { template } }),
  });
  // A conflict means that an earlier demo registered the very same task.
  if (answer.ok || answer.status === 409) return;
  throw new SkeinError("internal", "register_failed", `Registering ${name} failed: ${await answer.text()}`);
}
