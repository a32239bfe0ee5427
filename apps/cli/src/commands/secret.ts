import { createSkeinClient, type SkeinClient } from "@skein/client";
import type { Environment } from "@skein/config";
import { SkeinError } from "@skein/errors";
import { Command } from "commander";
import { readSecretValue } from "../secret/read-value.ts";
import { secretTable } from "../secret/secret-table.ts";

interface Options {
  readonly server?: string;
  readonly project?: string;
  readonly domain?: string;
  readonly fromFile?: string;
  readonly output?: string;
}

const DEFAULT_SERVER = "http://localhost:8088";
const PAGE = 1_000;

/** `skein secret`: values that tasks ask for by group and key. A value is never an argument, and never shown. */
export function secret(environment: Environment): Command {
  const command = new Command("secret").description("Keep values that tasks ask for by group and key");
  const add = (name: string, description: string): Command =>
    command
      .command(name)
      .description(description)
      .option("--server <url>", `where Skein is (SKEIN_API_URL, default ${DEFAULT_SERVER}); SKEIN_TOKEN is the token`);
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
      const { version } = await open(environment, options).secrets.set.mutate({ ...id, value });
      console.log(`Version ${version} of ${group}/${key} is kept. Tasks that begin from now on get it.`);
    });
  inScope(add("delete", "Remove a value with all its versions"))
    .argument("<group>")
    .argument("<key>")
    .action(async (group: string, key: string, options: Options) => {
      await open(environment, options).secrets.delete.mutate({ ...scopeOf(options), group, key });
      console.log(`${group}/${key} is gone. Tasks that run keep what they have.`);
    });
  inScope(add("list", "Show the names of what is kept; with a project or domain, what its tasks get"))
    .option("-o, --output <form>", "table or json", "table")
    .action(async (options: Options) => {
      const items = await listAll(open(environment, options), scopeOf(options));
      console.log(options.output === "json" ? JSON.stringify(items, null, 2) : secretTable(items));
    });
  add("rotate", "Put everything under the server's first master key").action(async (options: Options) => {
    const client = open(environment, options);
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

function open(environment: Environment, { server }: Options): SkeinClient {
  const url = server ?? (environment.SKEIN_API_URL || DEFAULT_SERVER);
  const token = environment.SKEIN_TOKEN;
  return createSkeinClient({ url, ...(token ? { token } : {}) });
}

const scopeOf = ({ project, domain }: Options) => ({
  ...(project === undefined ? {} : { project }),
  ...(domain === undefined ? {} : { domain }),
});

async function listAll(client: SkeinClient, scope: ReturnType<typeof scopeOf>) {
  const items = [];
  for (let cursor: number | null = 0; cursor !== null; ) {
    const page: Awaited<ReturnType<SkeinClient["secrets"]["list"]["query"]>> = await client.secrets.list.query({
      ...scope,
      limit: PAGE,
      cursor,
    });
    items.push(...page.items);
    cursor = page.nextCursor;
  }
  return items;
}
