import type { SkeinOutputs } from "@skein/client";
import type { Environment } from "@skein/config";
import { SkeinError } from "@skein/errors";
import { Command } from "commander";
import { formatMoment } from "../output/moment.ts";
import type { View } from "../output/print.ts";
import { readSecretValue } from "../secret/read-value.ts";
import { readAll } from "../session/pages.ts";
import { openSession, type SessionOptions, withServer } from "../session/session.ts";

interface Options extends SessionOptions {
  readonly fromFile?: string;
}
type Secret = SkeinOutputs["secrets"]["list"]["items"][number];

/** `*` stands for every project or domain. */
const view: View<Secret> = {
  columns: [
    { title: "PROJECT", text: (secret) => secret.project ?? "*" },
    { title: "DOMAIN", text: (secret) => secret.domain ?? "*" },
    { title: "GROUP", text: (secret) => secret.group ?? "" },
    { title: "KEY", text: (secret) => secret.key },
    { title: "VERSION", text: (secret) => String(secret.version) },
    { title: "SET BY", text: (secret) => secret.createdBy },
    { title: "SET AT", text: (secret) => formatMoment(secret.createdAt) },
  ],
  nameOf: ({ group, key }) => (group === null ? key : `${group}/${key}`),
  empty: "No secrets are kept here.",
};

/** `skein secret`: values that tasks ask for by group and key. A value is never an argument, and never shown. */
export function secret(environment: Environment): Command {
  const command = new Command("secret").description("Keep values that tasks ask for by group and key");
  const add = (name: string, description: string): Command =>
    withServer(command.command(name).description(description));
  const inScope = (one: Command): Command =>
    one
      .option("-p, --project <id>", "the project whose tasks get it; every project's without")
      .option("-d, --domain <id>", "the domain whose tasks get it; every domain's without");

  inScope(add("set", "Keep a new version of a value, read from a file or from standard input"))
    .argument("<group>")
    .argument("<key>")
    .option("--from-file <path>", "take the bytes of this file; without, standard input less its last line break")
    .action(async (group: string, key: string, options: Options) => {
      const value = await readSecretValue(options.fromFile);
      const id = { ...scopeOf(options), group, key };
      const { version } = await openSession(environment, options).client.secrets.set.mutate({ ...id, value });
      console.log(`Version ${version} of ${group}/${key} is kept. Tasks that begin from now on get it.`);
    });
  inScope(add("delete", "Remove a value with all its versions"))
    .argument("<group>")
    .argument("<key>")
    .action(async (group: string, key: string, options: Options) => {
      await openSession(environment, options).client.secrets.delete.mutate({ ...scopeOf(options), group, key });
      console.log(`${group}/${key} is gone. Tasks that run keep what they have.`);
    });
  inScope(add("list", "Show the names of what is kept; with a project or domain, what its tasks get")).action(
    async (options: Options) => {
      const { client, print } = openSession(environment, options);
      const scope = scopeOf(options);
      print.list(await readAll((page) => client.secrets.list.query({ ...scope, ...page })), view);
    },
  );
  add("rotate", "Put everything under the server's first master key").action(async (options: Options) => {
    const { client } = openSession(environment, options);
    let rotated = 0;
    for (;;) {
      const step = await client.secrets.rotate.mutate();
      rotated += step.rotated;
      if (step.left > step.failed && step.rotated > 0) continue;
      console.log(`${rotated} values are under the first master key now.`);
      if (step.left === 0) return;
      const message = `${step.left} values are under master keys that the server does not have: give it those keys once more`;
      throw new SkeinError("failed_precondition", "secret_key_unknown", message);
    }
  });
  return command;
}

/** Only what was asked for: a secret without a project is everybody's. */
const scopeOf = ({ project, domain }: Options) => ({
  ...(project === undefined ? {} : { project }),
  ...(domain === undefined ? {} : { domain }),
});
