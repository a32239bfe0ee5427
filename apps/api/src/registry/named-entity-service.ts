import {
  type Db,
  findNamedEntity,
  type ListQuery,
  listNamedEntities,
  type NamedEntityField,
  type NamedEntityRow,
  type NameId,
  type ResourceKind,
  updateNamedEntity,
} from "@skein/db";
import { SkeinError } from "@skein/errors";
import type { Call } from "../call.ts";
import { checkText, storableText } from "./identity.ts";

/** Names over all their versions, with a description and a state of their own. */
export function namedEntityService(db: Db) {
  return {
    async get(_call: Call, kind: ResourceKind, id: NameId): Promise<NamedEntityRow> {
      checkName(id);
      const row = await findNamedEntity(db, kind, id);
      if (!row) throw nameNotFound(kind, id);
      return row;
    },

    list: (_call: Call, query: ListQuery<NamedEntityField>): Promise<NamedEntityRow[]> => listNamedEntities(db, query),

    /** Replaces description and state. */
    async update(
      _call: Call,
      kind: ResourceKind,
      id: NameId,
      metadata: Pick<NamedEntityRow, "description" | "state">,
    ): Promise<void> {
      checkName(id);
      const description = storableText(metadata.description);
      if (!(await updateNamedEntity(db, kind, id, { ...metadata, description }))) throw nameNotFound(kind, id);
    },
  };
}

function checkName(id: NameId): void {
  for (const part of ["project", "domain", "name"] as const) checkText(`id.${part}`, id[part]);
}

const nameNotFound = (kind: ResourceKind, id: NameId): SkeinError =>
  new SkeinError(
    "not_found",
    "name_not_found",
    `There is no ${kind.replace("_", " ")} named ${id.name} in ${id.project}/${id.domain}.`,
  );
