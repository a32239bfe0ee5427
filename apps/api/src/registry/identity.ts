import { create } from "@bufbuild/protobuf";
import type { VersionId } from "@skein/db";
import { SkeinError } from "@skein/errors";
import { type Identifier, IdentifierSchema, type ResourceType } from "@skein/idl/core";

const TEXT_MAX = 255;
/** Characters that Flyte refuses in a version, because versions stand in URLs. */
const NOT_URL_SAFE = /[!*'();:@&=+$,/?#[\]]/;

/** `project:domain:name:version`: how an entity is called in caches, rows and messages. Only the name may hold colons. */
export const entityKey = (id: VersionId): string => `${id.project}:${id.domain}:${id.name}:${id.version}`;

/** Reads what `entityKey` wrote. */
export function readEntityKey(key: string): VersionId {
  const [project = "", domain = "", ...rest] = key.split(":");
  const version = rest.pop() ?? "";
  return { project, domain, name: rest.join(":"), version };
}

/** The parts of Flyte's identifier that name a version. */
export const toVersionId = ({ project, domain, name, version }: VersionId): VersionId => ({
  project,
  domain,
  name,
  version,
});

/** Flyte's identifier of a version. */
export const toIdentifier = (resourceType: ResourceType, id: VersionId): Identifier =>
  create(IdentifierSchema, { resourceType, ...toVersionId(id) });

/** Refuses text that is empty, longer than 255 characters, or that Postgres cannot hold. `field` names it in the message. */
export function checkText(field: string, value: string): void {
  if (value === "") throw invalid(field, "is missing: give it a value");
  if (value.length > TEXT_MAX) throw invalid(field, `has ${value.length} characters: at most ${TEXT_MAX} are allowed`);
  if (hasControl(value)) throw invalid(field, "holds a control character: remove it");
}

/** Refuses an identifier that could not be addressed later. */
export function checkVersionId(id: VersionId, field = "id"): void {
  for (const part of ["project", "domain", "name", "version"] as const) checkText(`${field}.${part}`, id[part]);
  for (const part of ["project", "domain"] as const) {
    if (id[part].includes(":")) throw invalid(`${field}.${part}`, "holds a colon: remove it");
  }
  const unsafe = NOT_URL_SAFE.exec(id.version);
  if (unsafe) {
    const shown = `is "${id.version}", with "${unsafe[0]}"`;
    throw invalid(`${field}.version`, `${shown}: versions stand in URLs and may not hold !*'();:@&=+$,/?#[]`);
  }
}

/** Free text with what Postgres cannot hold replaced. */
export const storableText = (text: string): string => text.replaceAll("\u0000", "\ufffd");

export const invalid = (field: string, problem: string): SkeinError =>
  new SkeinError("invalid_argument", "field_invalid", `${field} ${problem}.`);

const hasControl = (text: string): boolean => [...text].some((character) => character < " " || character === "\u007f");
