import type { VersionId } from "@skein/db";
import { SkeinError } from "@skein/errors";
import type { DescriptionEntity, DescriptionEntityListRequest } from "@skein/idl/admin";
import { ResourceType } from "@skein/idl/core";
import type { Call } from "../call.ts";
import { invalid, toIdentifier } from "../registry/identity.ts";
import type { Services } from "../services.ts";
import type { AdminHandlers } from "./admin-handlers.ts";
import { TASK_FIELDS, WORKFLOW_FIELDS } from "./filters/fields.ts";
import { nextToken, readListRequest } from "./filters/list-request.ts";
import { readVersionId } from "./identifiers.ts";
import { readListScope } from "./named-entity-handlers.ts";

/** Each is read out of a whole spec, so a page holds few. */
const DESCRIPTIONS_MAX = 100;

/** Documentation of tasks and workflows, read from the specs in which clients send it. */
export const descriptionHandlers = (services: Services): AdminHandlers => ({
  async getDescriptionEntity(request, call) {
    const type = request.id?.resourceType ?? ResourceType.UNSPECIFIED;
    const id = readVersionId(request.id, checkDocumented(type));
    const description = await findDescription(services, call, type, id);
    if (description) return description;
    const message = `${ResourceType[type]} ${id.name} version ${id.version} has no description.`;
    throw new SkeinError("not_found", "description_not_found", message);
  },

  async listDescriptionEntities(request, call) {
    const type = checkDocumented(request.resourceType);
    const { query, versions } = await listVersions(services, call, type, request);
    const found = await Promise.all(versions.map(({ id }) => findDescription(services, call, type, id)));
    return {
      descriptionEntities: found.flatMap((description) => description ?? []),
      token: nextToken(query, versions.length),
    };
  },
});

function checkDocumented(type: ResourceType): ResourceType {
  if (type === ResourceType.TASK || type === ResourceType.WORKFLOW) return type;
  throw invalid("resource_type", `is ${ResourceType[type] ?? type}: only TASK and WORKFLOW have descriptions`);
}

async function listVersions(
  { registry }: Services,
  call: Call,
  type: ResourceType,
  request: DescriptionEntityListRequest,
) {
  const scope = readListScope(request.id);
  if (type === ResourceType.TASK) {
    const query = readListRequest(TASK_FIELDS, request, DESCRIPTIONS_MAX);
    return { query, versions: await registry.tasks.list(call, { ...query, where: [...scope, ...query.where] }) };
  }
  const query = readListRequest(WORKFLOW_FIELDS, request, DESCRIPTIONS_MAX);
  return { query, versions: await registry.workflows.list(call, { ...query, where: [...scope, ...query.where] }) };
}

async function findDescription(
  { registry }: Services,
  call: Call,
  type: ResourceType,
  id: VersionId,
): Promise<DescriptionEntity | undefined> {
  const source = type === ResourceType.TASK ? registry.tasks : registry.workflows;
  const { description } = await source.getSpec(call, id);
  return description && { ...description, id: toIdentifier(type, id) };
}
