import { create } from "@bufbuild/protobuf";
import {
  type Db,
  type DomainRow,
  findProject,
  insertProject,
  type ListQuery,
  listDomains,
  listProjects,
  type ProjectField,
  type ProjectRow,
  updateProject,
  upsertDomains,
} from "@skein/db";
import { SkeinError } from "@skein/errors";
import { fromBytes, toBytes } from "@skein/idl";
import { InactiveProjectSchema, LabelsSchema } from "@skein/idl/admin";
import type { Call } from "../call.ts";
import { checkText, invalid, storableText } from "../registry/identity.ts";

/** A project with its labels decoded. */
export type ProjectView = Omit<ProjectRow, "labels" | "org"> & { readonly labels: Readonly<Record<string, string>> };

/** What a user says about a project. Fields left out (or empty, on update) stay as they are. */
export interface ProjectInput {
  readonly id: string;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly state?: ProjectRow["state"] | undefined;
}

export interface ProjectSeeds {
  readonly domains: readonly DomainRow[];
  /** Ids of projects to create when they are missing. */
  readonly projects: readonly string[];
}

const ID_MAX = 64;
const NAME_MAX = 64;
const DESCRIPTION_MAX = 300;
const LABELS_MAX = 16;

export type ProjectService = ReturnType<typeof projectService>;

/** Rules for projects and domains (contract 6.11). */
export function projectService(db: Db) {
  const get = async (_call: Call, id: string): Promise<ProjectView> => {
    checkText("id", id);
    const row = await findProject(db, id);
    if (!row) throw projectNotFound(id);
    return toView(row);
  };

  return {
    /** Makes the configured domains and projects exist. Harmless when repeated, and when several processes do it at once. */
    async seed(seeds: ProjectSeeds): Promise<void> {
      await upsertDomains(db, seeds.domains);
      for (const id of seeds.projects) {
        await insertProject(db, { id, name: id, description: "", labels: labelBytes({}) });
      }
    },

    async register(_call: Call, input: ProjectInput): Promise<void> {
      checkProject(input);
      const { id, name, description = "", labels = {} } = input;
      const row = { id, name: name || id, description: storableText(description), labels: labelBytes(labels) };
      if (await insertProject(db, row)) return;
      throw new SkeinError("already_exists", "project_exists", `Project ${id} exists already.`, { details: { id } });
    },

    /** Replaces what is given; empty fields stay. The state is always set, because active is its empty value. */
    async update(_call: Call, input: ProjectInput): Promise<void> {
      checkProject(input);
      const changed = await updateProject(db, input.id, {
        ...(input.name ? { name: input.name } : {}),
        ...(input.description ? { description: storableText(input.description) } : {}),
        ...(input.labels ? { labels: labelBytes(input.labels) } : {}),
        ...(input.state ? { state: input.state } : {}),
      });
      if (!changed) throw projectNotFound(input.id);
    },

    get,

    async list(_call: Call, query: ListQuery<ProjectField>): Promise<ProjectView[]> {
      return (await listProjects(db, query)).map(toView);
    },

    domains: (_call: Call): Promise<DomainRow[]> => listDomains(db),

    /** Throws unless the project takes new things and the domain exists. */
    async requireActive(_call: Call, project: string, domain: string): Promise<void> {
      checkText("project", project);
      checkText("domain", domain);
      const [row, domains] = await Promise.all([findProject(db, project), listDomains(db)]);
      if (!row) throw invalid("project", `${project} does not exist: register it first`);
      if (row.state !== "active") throw inactiveProject(project);
      if (!domains.some(({ id }) => id === domain)) {
        const known = domains.map(({ id }) => id).join(", ");
        throw invalid("domain", `${domain} does not exist: use one of ${known}`);
      }
    },
  };
}

function checkProject({ id, name = "", description = "", labels = {} }: ProjectInput): void {
  checkText("project.id", id);
  if (id.length > ID_MAX) throw invalid("project.id", `has ${id.length} characters: at most ${ID_MAX} are allowed`);
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(id)) {
    throw invalid("project.id", `is "${id}": use a-z, 0-9 and -, and begin and end with a letter or digit`);
  }
  if (name !== "") checkText("project.name", name);
  if (name.length > NAME_MAX) throw invalid("project.name", `is longer than ${NAME_MAX} characters: shorten it`);
  if (description.length > DESCRIPTION_MAX) {
    throw invalid("project.description", `is longer than ${DESCRIPTION_MAX} characters: shorten it`);
  }
  checkLabels(labels);
}

/** Kubernetes' rules, because labels of projects end on pods. */
function checkLabels(labels: Readonly<Record<string, string>>): void {
  const names = Object.keys(labels);
  if (names.length > LABELS_MAX) {
    throw invalid("project.labels", `has ${names.length} entries: at most ${LABELS_MAX} are allowed`);
  }
  for (const [key, value] of Object.entries(labels)) {
    if (!/^([a-zA-Z0-9.-]{1,253}\/)?[a-zA-Z0-9]([-\w.]{0,61}[a-zA-Z0-9])?$/.test(key)) {
      throw invalid("project.labels", `has the key "${key}": use letters, digits, '-', '_' and '.'`);
    }
    if (!/^([a-zA-Z0-9]([-\w.]{0,61}[a-zA-Z0-9])?)?$/.test(value)) {
      throw invalid(`project.labels["${key}"]`, `is "${value}": use at most 63 letters, digits, '-', '_' and '.'`);
    }
  }
}

const labelBytes = (values: Readonly<Record<string, string>>): Uint8Array =>
  toBytes(LabelsSchema, create(LabelsSchema, { values: { ...values } }));

const toView = ({ org: _org, ...row }: ProjectRow): ProjectView => ({
  ...row,
  labels: fromBytes(LabelsSchema, row.labels).values,
});

const projectNotFound = (id: string): SkeinError =>
  new SkeinError("not_found", "project_not_found", `Project ${id} does not exist.`, { details: { id } });

const inactiveProject = (id: string): SkeinError =>
  new SkeinError("invalid_argument", "project_inactive", `Project ${id} is archived: activate it first.`, {
    details: { id },
    protoDetails: [
      {
        typeName: InactiveProjectSchema.typeName,
        value: toBytes(InactiveProjectSchema, create(InactiveProjectSchema, { id })),
      },
    ],
  });
