import type { AttributeScope } from "@skein/db";
import { MatchableResource } from "@skein/idl/admin";
import { typeOfResource } from "../attributes/attribute-types.ts";
import { invalid } from "../registry/identity.ts";
import type { Services } from "../services.ts";
import type { AdminHandlers } from "./admin-handlers.ts";

/** Policies of projects, domains and workflows (contract 6.10). */
export const attributeHandlers = ({ attributes }: Services): AdminHandlers => ({
  async updateProjectAttributes({ attributes: sent }, call) {
    await attributes.set(call, projectScope(sent), sent?.matchingAttributes);
    return {};
  },

  async getProjectAttributes(request, call) {
    const scope = projectScope(request);
    const matchingAttributes =
      request.resourceType === MatchableResource.WORKFLOW_EXECUTION_CONFIG
        ? await attributes.executionConfig(call, request.project)
        : await attributes.get(call, scope, typeOfResource(request.resourceType));
    return { attributes: { project: request.project, matchingAttributes } };
  },

  async deleteProjectAttributes(request, call) {
    await attributes.remove(call, projectScope(request), typeOfResource(request.resourceType));
    return {};
  },

  async updateProjectDomainAttributes({ attributes: sent }, call) {
    await attributes.set(call, domainScope(sent), sent?.matchingAttributes);
    return {};
  },

  async getProjectDomainAttributes(request, call) {
    const found = await attributes.effective(call, domainScope(request), typeOfResource(request.resourceType));
    const { project, domain, attributes: matchingAttributes } = found;
    return { attributes: { project, domain, matchingAttributes } };
  },

  async deleteProjectDomainAttributes(request, call) {
    await attributes.remove(call, domainScope(request), typeOfResource(request.resourceType));
    return {};
  },

  async updateWorkflowAttributes({ attributes: sent }, call) {
    await attributes.set(call, workflowScope(sent), sent?.matchingAttributes);
    return {};
  },

  async getWorkflowAttributes(request, call) {
    const found = await attributes.effective(call, workflowScope(request), typeOfResource(request.resourceType));
    const { project, domain, workflow, attributes: matchingAttributes } = found;
    return { attributes: { project, domain, workflow, matchingAttributes } };
  },

  async deleteWorkflowAttributes(request, call) {
    await attributes.remove(call, workflowScope(request), typeOfResource(request.resourceType));
    return {};
  },

  async listMatchableAttributes(request, call) {
    const found = await attributes.list(call, { type: typeOfResource(request.resourceType) });
    return { configurations: found.map(({ type: _type, ...configuration }) => configuration) };
  },
});

type Scope<Part extends string> = Readonly<Record<Part, string>> | undefined;

function projectScope(sent: Scope<"project">): AttributeScope {
  if (!sent) throw invalid("attributes", "are missing: say what to set");
  return { project: sent.project, domain: "", workflow: "", launchPlan: "" };
}

function domainScope(sent: Scope<"project" | "domain">): AttributeScope {
  const scope = projectScope(sent);
  if (!sent?.domain) throw invalid("domain", "is missing: give it a value");
  return { ...scope, domain: sent.domain };
}

function workflowScope(sent: Scope<"project" | "domain" | "workflow">): AttributeScope {
  const scope = domainScope(sent);
  if (!sent?.workflow) throw invalid("workflow", "is missing: give it a value");
  return { ...scope, workflow: sent.workflow };
}
