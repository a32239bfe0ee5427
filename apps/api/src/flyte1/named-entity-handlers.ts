import type { ListCondition, NamedEntityRow, NamedEntityState, ResourceKind } from "@skein/db";
import {
  type NamedEntityIdentifier,
  type NamedEntityIdentifierListRequest,
  NamedEntityState as State,
} from "@skein/idl/admin";
import { ResourceType } from "@skein/idl/core";
import type { Call } from "../call.ts";
import { checkText, invalid } from "../registry/identity.ts";
import { HIDDEN_PREFIX } from "../runs/launch-target.ts";
import type { Services } from "../services.ts";
import type { AdminHandlers } from "./admin-handlers.ts";
import { NAMED_ENTITY_FIELDS } from "./filters/fields.ts";
import { nextToken, readListRequest } from "./filters/list-request.ts";
import { readNameId } from "./identifiers.ts";

/** Names over all their versions. */
export const namedEntityHandlers = (services: Services): AdminHandlers => {
  const { namedEntities } = services.registry;
  return {
    async getNamedEntity(request, call) {
      const kind = readKind(request.resourceType);
      return toNamedEntity(await namedEntities.get(call, kind, readNameId(request.id)));
    },

    async updateNamedEntity(request, call) {
      const kind = readKind(request.resourceType);
      if (!request.metadata) throw invalid("metadata", "is missing");
      const { description, state } = request.metadata;
      await namedEntities.update(call, kind, readNameId(request.id), { description, state: readState(state) });
      return {};
    },

    async listNamedEntities(request, call) {
      const kind = readKind(request.resourceType);
      const { query, rows } = await findNames(services, kind, request, call);
      return { entities: rows.map(toNamedEntity), token: nextToken(query, rows.length) };
    },
  };
};

/** The conditions of a list over one project and domain, and maybe one name. */
export function readListScope(id: NamedEntityIdentifier | undefined): ListCondition<"project" | "domain" | "name">[] {
  checkText("id.project", id?.project ?? "");
  checkText("id.domain", id?.domain ?? "");
  const { project, domain, name } = readNameId(id);
  return [
    { field: "project", operator: "eq", values: [project] },
    { field: "domain", operator: "eq", values: [domain] },
    ...(name === "" ? [] : [{ field: "name", operator: "eq", values: [name] } as const]),
  ];
}

/** Answers ListTaskIds and its kin: names only. */
export async function listNames(
  services: Services,
  kind: ResourceKind,
  request: NamedEntityIdentifierListRequest,
  call: Call,
) {
  const { query, rows } = await findNames(services, kind, request, call);
  return { entities: rows.map(toName), token: nextToken(query, rows.length) };
}

type NamesRequest = Pick<
  NamedEntityIdentifierListRequest,
  "project" | "domain" | "limit" | "token" | "filters" | "sortBy"
>;

async function findNames(services: Services, kind: ResourceKind, request: NamesRequest, call: Call) {
  checkText("project", request.project);
  checkText("domain", request.domain);
  const query = readListRequest(NAMED_ENTITY_FIELDS, request);
  const hideHidden = { field: "name", operator: "notLike", values: [`${HIDDEN_PREFIX}%`] } as const;
  const where: ListCondition<"resourceType" | "project" | "domain" | "name">[] = [
    { field: "resourceType", operator: "eq", values: [kind] },
    { field: "project", operator: "eq", values: [request.project] },
    { field: "domain", operator: "eq", values: [request.domain] },
    ...(query.parsed.length === 0 ? [hideHidden] : []),
  ];
  const rows = await services.registry.namedEntities.list(call, { ...query, where: [...where, ...query.where] });
  return { query, rows };
}

const STATES: Readonly<Record<NamedEntityState, State>> = {
  active: State.NAMED_ENTITY_ACTIVE,
  archived: State.NAMED_ENTITY_ARCHIVED,
  system_generated: State.SYSTEM_GENERATED,
};

const KINDS: Readonly<Record<ResourceKind, ResourceType>> = {
  task: ResourceType.TASK,
  workflow: ResourceType.WORKFLOW,
  launch_plan: ResourceType.LAUNCH_PLAN,
  dataset: ResourceType.DATASET,
};

function readState(state: State): NamedEntityState {
  const known = (Object.keys(STATES) as NamedEntityState[]).find((word) => STATES[word] === state);
  if (known && known !== "system_generated") return known;
  throw invalid("metadata.state", `is ${State[state] ?? state}: use NAMED_ENTITY_ACTIVE or NAMED_ENTITY_ARCHIVED`);
}

/** Which kind of entity a request is about. */
export function readKind(type: ResourceType): ResourceKind {
  const kind = (Object.keys(KINDS) as ResourceKind[]).find((word) => KINDS[word] === type);
  if (kind) return kind;
  throw invalid("resource_type", `is ${ResourceType[type] ?? type}: use TASK, WORKFLOW or LAUNCH_PLAN`);
}

const toName = ({ project, domain, name }: NamedEntityRow) => ({ project, domain, name });

const toNamedEntity = (row: NamedEntityRow) => ({
  resourceType: KINDS[row.resourceType],
  id: toName(row),
  metadata: { description: row.description, state: STATES[row.state] },
});
