import type { DomainRow, ProjectState } from "@skein/db";
import { type Project, Project_ProjectState } from "@skein/idl/admin";
import type { ProjectInput, ProjectView } from "../projects/project-service.ts";
import { invalid } from "../registry/identity.ts";
import type { Services } from "../services.ts";
import type { AdminHandlers } from "./admin-handlers.ts";
import { PROJECT_FIELDS } from "./filters/fields.ts";
import { nextToken, readListRequest } from "./filters/list-request.ts";

/** ListProjects alone takes a limit of 0, for all of them (contract 3.3). */
const ALL_PROJECTS = 10_000;

/** Projects and domains. */
export const projectHandlers = ({ projects }: Services): AdminHandlers => ({
  async registerProject(request, call) {
    await projects.register(call, readProject(request.project));
    return {};
  },

  async updateProject(request, call) {
    await projects.update(call, readProject(request));
    return {};
  },

  async getProject(request, call) {
    const [project, domains] = await Promise.all([projects.get(call, request.id), projects.domains(call)]);
    return toProject(project, domains);
  },

  async listProjects(request, call) {
    const query = readListRequest(PROJECT_FIELDS, { ...request, limit: request.limit || ALL_PROJECTS });
    const unfiltered = query.parsed.length === 0;
    const active = { field: "state", operator: "in", values: ["active", "system_generated"] } as const;
    const [rows, domains] = await Promise.all([
      projects.list(call, { ...query, where: unfiltered ? [active] : query.where }),
      projects.domains(call),
    ]);
    return { projects: rows.map((row) => toProject(row, domains)), token: nextToken(query, rows.length) };
  },

  async getDomains(_request, call) {
    return { domains: await projects.domains(call) };
  },
});

const STATES: Readonly<Record<ProjectState, Project_ProjectState>> = {
  active: Project_ProjectState.ACTIVE,
  archived: Project_ProjectState.ARCHIVED,
  system_generated: Project_ProjectState.SYSTEM_GENERATED,
  system_archived: Project_ProjectState.SYSTEM_ARCHIVED,
};

function readProject(project: Project | undefined): ProjectInput {
  if (!project) throw invalid("project", "is missing");
  const state = (Object.keys(STATES) as ProjectState[]).find((word) => STATES[word] === project.state);
  if (!state) throw invalid("project.state", `is ${project.state}: use ACTIVE or ARCHIVED`);
  return {
    id: project.id,
    name: project.name,
    description: project.description,
    labels: project.labels?.values,
    state,
  };
}

const toProject = (project: ProjectView, domains: readonly DomainRow[]) => ({
  id: project.id,
  name: project.name,
  description: project.description,
  domains: [...domains],
  labels: { values: { ...project.labels } },
  state: STATES[project.state],
});
