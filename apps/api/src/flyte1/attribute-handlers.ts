import { SkeinError } from "@skein/errors";
import { MatchableResource } from "@skein/idl/admin";
import type { AdminHandlers } from "./admin-handlers.ts";

/**
 * Overrides per project, domain and workflow. None can be set yet, so none is found: flytectl prints "attribute not
 * found" for that. The methods that would set them are absent and answer UNIMPLEMENTED.
 */
export const attributeHandlers = (): AdminHandlers => ({
  getProjectAttributes: async (request) => throwNotFound(request.resourceType, request.project),
  getProjectDomainAttributes: async (request) =>
    throwNotFound(request.resourceType, `${request.project}/${request.domain}`),
  getWorkflowAttributes: async (request) =>
    throwNotFound(request.resourceType, `${request.project}/${request.domain}/${request.workflow}`),
  listMatchableAttributes: async () => ({ configurations: [] }),
});

function throwNotFound(type: MatchableResource, scope: string): never {
  const shown = MatchableResource[type] ?? type;
  throw new SkeinError("not_found", "attributes_not_found", `${scope} has no ${shown} attributes.`);
}
