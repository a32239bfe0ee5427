import type { SkeinOutputs } from "@skein/client";
import type { Environment } from "@skein/config";
import { Command } from "commander";
import { readWhole } from "../input/read-time.ts";
import type { View } from "../output/print.ts";
import { openSession, type Session, type SessionOptions, withExamples, withServer } from "../session/session.ts";
import { DEFAULTS } from "../session/settings.ts";

type Rule = SkeinOutputs["retention"]["get"]["items"][number];

interface SetOptions extends SessionOptions {
  readonly runs?: string;
  readonly objects?: string;
}

const days = (count: number | null): string => (count === null ? "for ever" : `${count} days`);

const view: View<Rule> = {
  columns: [
    { title: "DOMAIN", text: (rule) => rule.domain ?? "*" },
    { title: "RUNS", text: (rule) => days(rule.runDays) },
    { title: "OBJECTS", text: (rule) => days(rule.objectDays) },
  ],
  nameOf: (rule) => rule.domain ?? "*",
  empty: "No rule is set: runs and their data are kept for ever.",
};

/** `skein retention`: how long a project keeps what is over. */
export function retention(environment: Environment): Command {
  const command = new Command("retention").description("Show or set how long a project keeps runs that are over");
  command.addCommand(show(environment), { isDefault: true });
  command.addCommand(set(environment));
  command.addCommand(clear(environment));
  return command;
}

/** Without a domain a rule is for all domains that have none of their own. */
const inProject = (command: Command): Command =>
  withServer(command).option("-p, --project <id>", `the project (SKEIN_PROJECT, default ${DEFAULTS.project})`);

const show = (environment: Environment): Command =>
  inProject(new Command("show"))
    .description("Show the rules of a project")
    .action(async (options: SessionOptions) => showRules(openSession(environment, options)));

const showRules = async ({ client, print, tenant }: Session): Promise<void> =>
  print.list((await client.retention.get.query({ project: tenant.project })).items, view);

const set = (environment: Environment): Command =>
  withExamples(
    inProject(new Command("set"))
      .description("Set a rule, in days from a run's end; what is left out is kept for ever")
      .option("-d, --domain <id>", "only this domain")
      .option("--runs <days>", "until a run is deleted with its data")
      .option("--objects <days>", "until its objects are deleted"),
    "skein retention set -p shop -d development --runs 90 --objects 30",
  ).action(async ({ runs, objects, ...options }: SetOptions) => {
    const session = openSession(environment, options);
    await session.client.retention.set.mutate({
      ...scopeOf(session, options),
      runDays: runs === undefined ? null : readWhole(runs, "--runs", 1, 36_500),
      objectDays: objects === undefined ? null : readWhole(objects, "--objects", 1, 36_500),
    });
    await showRules(session);
  });

const clear = (environment: Environment): Command =>
  inProject(new Command("clear"))
    .description("Take a rule away")
    .option("-d, --domain <id>", "that of this domain")
    .action(async (options: SessionOptions) => {
      const session = openSession(environment, options);
      await session.client.retention.clear.mutate(scopeOf(session, options));
      await showRules(session);
    });

const scopeOf = ({ tenant }: Session, { domain }: SessionOptions) => ({
  project: tenant.project,
  ...(domain === undefined ? {} : { domain }),
});
