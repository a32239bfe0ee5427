import type { Environment } from "@skein/config";
import { Command } from "commander";
import { getActions } from "../registry/get-actions.ts";
import { getProjects } from "../registry/get-projects.ts";
import { getRegistry } from "../registry/get-registry.ts";
import { readRun, textOfRun } from "../runs/run-view.ts";
import { inTenant, openSession, type SessionOptions, withExamples } from "../session/session.ts";

/** `skein get`: one thing of a kind, or all of a kind. */
export function get(environment: Environment): Command {
  const command = new Command("get").description("Show a run, its steps, or what is registered");
  command.addCommand(getRun(environment));
  command.addCommand(getActions(environment));
  for (const kind of getRegistry(environment)) command.addCommand(kind);
  for (const kind of getProjects(environment)) command.addCommand(kind);
  return command;
}

const getRun = (environment: Environment): Command =>
  withExamples(
    inTenant(new Command("run"))
      .description("Show a run with its inputs, outputs and error")
      .argument("<run>", "name of the run, or project/domain/name"),
    "skein get run f3a9",
    "skein get run f3a9 -o json | jq .outputs",
  ).action(async (name: string, options: SessionOptions) => {
    const session = openSession(environment, options);
    session.print.one(await readRun(session, session.runId(name)), (run) => run.name, textOfRun);
  });
