import type { SkeinOutputs } from "@skein/client";
import type { Environment } from "@skein/config";
import { Command } from "commander";
import { fieldsOf, type View } from "../output/print.ts";
import { readAll } from "../session/pages.ts";
import { openSession, type SessionOptions, withExamples, withServer } from "../session/session.ts";

type Project = SkeinOutputs["projects"]["list"]["items"][number];
type Domain = SkeinOutputs["projects"]["domains"][number];

const projects: View<Project> = {
  columns: [
    { title: "ID", text: (project) => project.id },
    { title: "NAME", text: (project) => project.name, widthMax: 40 },
    { title: "STATE", text: (project) => project.state },
    { title: "DESCRIPTION", text: (project) => project.description, widthMax: 80 },
  ],
  nameOf: (project) => project.id,
  empty: "No projects.",
};

const domains: View<Domain> = {
  columns: [
    { title: "ID", text: (domain) => domain.id },
    { title: "NAME", text: (domain) => domain.name },
  ],
  nameOf: (domain) => domain.id,
  empty: "No domains.",
};

/** `skein get project` and `domain`. */
export const getProjects = (environment: Environment): readonly Command[] => [
  withExamples(
    withServer(new Command("project")).alias("projects").description("List projects, or show one").argument("[id]"),
    "skein get projects",
  ).action(async (id: string | undefined, options: SessionOptions) => {
    const { client, print } = openSession(environment, options);
    if (id === undefined) return print.list(await readAll((page) => client.projects.list.query(page)), projects);
    print.one(await client.projects.get.query({ project: id }), (project) => project.id, textOfProject);
  }),
  withServer(new Command("domain"))
    .alias("domains")
    .description("List the domains that every project has")
    .action(async (options: SessionOptions) => {
      const { client, print } = openSession(environment, options);
      print.list(await client.projects.domains.query(), domains);
    }),
];

const textOfProject = ({ id, name, state, description, labels }: Project): string =>
  fieldsOf([
    ["Project", id],
    ["Name", name],
    ["State", state],
    ["Description", description],
    [
      "Labels",
      Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(", "),
    ],
  ]);
