import type { ActionRow } from "@skein/db";
import type { ActionId } from "../runs/action-service.ts";
import type { Services } from "../services.ts";

/** Where the values of an action are kept in the object store, once they are too large for a row or a task wrote them. */
export const actionFolder = ({ storage }: Services, id: ActionId, ...rest: readonly string[]): string =>
  storage.join("meta", id.project, id.domain, id.name, id.action, ...rest);

/** The place of an action's outputs: its last attempt's folder, or its own where nothing was attempted. */
export const outputUri = (services: Services, id: ActionId, action: ActionRow): string =>
  action.attempts > 0
    ? actionFolder(services, id, String(action.attempts - 1), "outputs.pb")
    : actionFolder(services, id, "outputs.pb");

/** `flyte://` addresses that GetData answers. */
export function flyteUrls({ project, domain, name, action }: ActionId, attempt: number | undefined, hasDeck: boolean) {
  const base = ["flyte://v1", project, domain, name, action, ...(attempt === undefined ? [] : [attempt])].join("/");
  return { inputs: `${base}/i`, outputs: `${base}/o`, deck: hasDeck ? `${base}/d` : "" };
}

/** An attempt's log, from the tRPC query `runs.logs`. */
export function logUrl({ config }: Services, { project, domain, name, action }: ActionId, attempt: number): string {
  const input = encodeURIComponent(JSON.stringify({ project, domain, name, action, attempt }));
  return `${config.publicUrl}/trpc/runs.logs?input=${input}`;
}
