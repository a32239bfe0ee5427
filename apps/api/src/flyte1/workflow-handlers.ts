import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { ResourceType } from "@skein/idl/core";
import { invalid } from "../registry/identity.ts";
import type { WorkflowView } from "../registry/workflow-service.ts";
import type { Services } from "../services.ts";
import type { AdminHandlers } from "./admin-handlers.ts";
import { WORKFLOW_FIELDS } from "./filters/fields.ts";
import { readListRequest } from "./filters/list-request.ts";
import { readPage } from "./filters/read-page.ts";
import { readVersionId, versionIdentifier } from "./identifiers.ts";
import { listNames, readListScope } from "./named-entity-handlers.ts";

/** Workflows. Get answers the whole compiled graph; lists only the interface, because graphs may be megabytes. */
export const workflowHandlers = (services: Services): AdminHandlers => {
  const { workflows } = services.registry;
  return {
    async createWorkflow(request, call) {
      const id = readVersionId(request.id, ResourceType.WORKFLOW);
      if (!request.spec) throw invalid("spec", "is missing");
      await workflows.register(call, id, request.spec);
      return {};
    },

    async getWorkflow(request, call) {
      const workflow = await workflows.get(call, readVersionId(request.id, ResourceType.WORKFLOW));
      return {
        id: versionIdentifier(ResourceType.WORKFLOW, workflow.id),
        closure: { compiledWorkflow: workflow.compiled, createdAt: timestampFromDate(workflow.createdAt) },
        shortDescription: workflow.shortDescription,
      };
    },

    async listWorkflows(request, call) {
      const query = readListRequest(WORKFLOW_FIELDS, request);
      const where = [...readListScope(request.id), ...query.where];
      const { rows, token } = await readPage(query, (range) => workflows.list(call, { ...query, ...range, where }));
      return { workflows: rows.map(toSlimWorkflow), token };
    },

    listWorkflowIds: (request, call) => listNames(services, "workflow", request, call),
  };
};

function toSlimWorkflow(workflow: WorkflowView) {
  const id = versionIdentifier(ResourceType.WORKFLOW, workflow.id);
  const template = { id, interface: workflow.interface };
  return {
    id,
    closure: { compiledWorkflow: { primary: { template } }, createdAt: timestampFromDate(workflow.createdAt) },
    shortDescription: workflow.shortDescription,
  };
}
