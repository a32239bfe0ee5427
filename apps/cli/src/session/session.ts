import { createSkeinClient, type SkeinClient } from "@skein/client";
import type { Environment } from "@skein/config";
import { type Command, Option } from "commander";
import { createPrinter, OUTPUT_FORMS, type OutputForm, type Printer } from "../output/print.ts";
import { profilesPath, readProfiles } from "./profiles.ts";
import { DEFAULTS, resolveSettings, type ServerOptions, type Settings } from "./settings.ts";

/** What `withServer` adds to a command. */
export interface SessionOptions extends ServerOptions {
  readonly output: OutputForm;
}

export interface RunId {
  readonly project: string;
  readonly domain: string;
  readonly name: string;
}

/** A server to talk to, and the form in which its answers are shown. */
export interface Session {
  readonly client: SkeinClient;
  readonly settings: Settings;
  readonly print: Printer;
  /** The project and domain that were asked for. */
  readonly tenant: { readonly project: string; readonly domain: string };
  /** A run by its name, or by `project/domain/name`. */
  runId(name: string): RunId;
  consoleUrl(run: RunId): string;
}

/** Opens what the options, the environment and the profile say. */
export function openSession(environment: Environment, options: SessionOptions): Session {
  const settings = resolveSettings(options, environment, readProfiles(profilesPath(environment)));
  const { server, token, project, domain } = settings;
  const tenant = { project, domain };
  return {
    client: createSkeinClient({ url: server, ...(token ? { token } : {}) }),
    settings,
    print: createPrinter(options.output),
    tenant,
    runId: (name) => {
      const parts = name.split("/");
      const [ofProject = "", ofDomain = "", ofName = ""] = parts;
      return parts.length === 3 ? { project: ofProject, domain: ofDomain, name: ofName } : { ...tenant, name };
    },
    consoleUrl: (run) => {
      const [p, d, n] = [run.project, run.domain, run.name].map(encodeURIComponent);
      return `${server}/console/projects/${p}/domains/${d}/executions/${n}`;
    },
  };
}

/** Adds the options that say which server, and how its answer is shown. */
export const withServer = (command: Command): Command =>
  command
    .option("--server <url>", `where Skein is (SKEIN_API_URL, default ${DEFAULTS.server}); SKEIN_TOKEN is the token`)
    .option("--profile <name>", "take server, token, project and domain from this profile (SKEIN_PROFILE)")
    .addOption(new Option("-o, --output <form>", "how the answer is written").choices(OUTPUT_FORMS).default("table"));

/** Adds the options of `withServer`, and those that say which project and domain. */
export const inTenant = (command: Command): Command =>
  withServer(
    command
      .option("-p, --project <id>", `the project (SKEIN_PROJECT, default ${DEFAULTS.project})`)
      .option("-d, --domain <id>", `the domain (SKEIN_DOMAIN, default ${DEFAULTS.domain})`),
  );

/** Lines that `--help` shows last. */
export const withExamples = (command: Command, ...examples: readonly string[]): Command =>
  command.addHelpText("after", `\nExamples:\n${examples.map((line) => `  ${line}`).join("\n")}`);
