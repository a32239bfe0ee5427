import type { SkeinInputs, SkeinOutputs } from "@skein/client";
import type { Environment } from "@skein/config";
import { Argument, Command } from "commander";
import { readDocument, readText } from "../input/read-inputs.ts";
import { invalid } from "../input/read-time.ts";
import { toYaml, type View } from "../output/print.ts";
import { openSession, type SessionOptions, withExamples, withServer } from "../session/session.ts";
import { DEFAULTS } from "../session/settings.ts";

type Policy = SkeinOutputs["attributes"]["list"][number];
type Type = SkeinInputs["attributes"]["get"]["type"];
type Message = SkeinInputs["attributes"]["set"]["attributes"];

interface ScopeOptions extends SessionOptions {
  readonly workflow?: string;
  readonly launchPlan?: string;
}

const TYPES: Readonly<Record<string, Type>> = {
  "task-resource": "task_resource",
  "cluster-resource": "cluster_resource",
  "execution-queue": "execution_queue",
  "execution-cluster-label": "execution_cluster_label",
  "quality-of-service": "quality_of_service_specification",
  "plugin-override": "plugin_override",
  "execution-config": "workflow_execution_config",
  "cluster-assignment": "cluster_assignment",
};
const ALL = "*";

const view: View<Policy> = {
  columns: [
    { title: "PROJECT", text: (policy) => policy.project },
    { title: "DOMAIN", text: (policy) => policy.domain ?? ALL },
    { title: "WORKFLOW", text: (policy) => policy.workflow ?? ALL },
    { title: "LAUNCH PLAN", text: (policy) => policy.launchPlan ?? ALL },
    { title: "TYPE", text: (policy) => wordOf(policy.type) },
    { title: "SAYS", text: (policy) => JSON.stringify(policy.attributes), widthMax: 80 },
  ],
  nameOf: (policy) => policy.type,
  empty: "No policies are set.",
};

const wordOf = (type: string): string => Object.entries(TYPES).find(([, one]) => one === type)?.[0] ?? type;

/** `skein policies`: what holds for all runs of a project, domain, workflow or launch plan. */
export function policies(environment: Environment): Command {
  const command = new Command("policies").description("Say what holds for all runs of a project, domain or workflow");
  command.addCommand(list(environment), { isDefault: true });
  command.addCommand(get(environment));
  command.addCommand(set(environment));
  command.addCommand(remove(environment));
  return command;
}

/** A scope is what is said and no more: without a domain it is all of them. */
const inScope = (command: Command): Command =>
  withServer(command)
    .addArgument(new Argument("<type>").choices(Object.keys(TYPES)))
    .option("-p, --project <id>", `the project (SKEIN_PROJECT, default ${DEFAULTS.project})`)
    .option("-d, --domain <id>", "the domain; without, all domains of the project")
    .option("--workflow <name>", "only this workflow of the domain")
    .option("--launch-plan <name>", "only this launch plan of the workflow");

function scopeOf(project: string, { domain, workflow, launchPlan }: ScopeOptions) {
  if (workflow !== undefined && domain === undefined) throw invalid("--workflow", "goes with --domain");
  return {
    project,
    ...(domain === undefined ? {} : { domain }),
    ...(workflow === undefined ? {} : { workflow }),
    ...(launchPlan === undefined ? {} : { launchPlan }),
  };
}

const list = (environment: Environment): Command =>
  withServer(new Command("list"))
    .description("List policies, from the narrowest to the widest")
    .option("-p, --project <id>", `the project (SKEIN_PROJECT, default ${DEFAULTS.project})`)
    .option("--all-projects", "of every project")
    .action(async ({ allProjects, ...options }: SessionOptions & { readonly allProjects?: boolean }) => {
      const { client, print, tenant } = openSession(environment, options);
      print.list(await client.attributes.list.query(allProjects ? {} : { project: tenant.project }), view);
    });

const get = (environment: Environment): Command =>
  withExamples(
    inScope(new Command("get"))
      .description("Show a policy: with --effective what holds there, otherwise what is set for exactly this scope")
      .option("--effective", "the narrowest that is set for the scope or around it"),
    "skein policies get task-resource -d development --effective",
  ).action(async (word: string, options: ScopeOptions & { readonly effective?: boolean }) => {
    const { client, print, tenant } = openSession(environment, options);
    const asked = { ...scopeOf(tenant.project, options), type: typeOf(word) };
    const { attributes } = client;
    const policy = await (options.effective ? attributes.effective : attributes.get).query(asked);
    print.one(
      policy,
      ({ type }) => type,
      (one) => toYaml(one).trimEnd(),
    );
  });

const set = (environment: Environment): Command =>
  withExamples(
    inScope(new Command("set"))
      .description("Set a policy for exactly this scope, from JSON or YAML")
      .option("--value <json>", "the policy's own message, in protobuf's JSON form")
      .option("--file <path>", "the same from a file; - is standard input"),
    `skein policies set task-resource -d development --value '{"defaults": {"cpu": "1"}, "limits": {"cpu": "4"}}'`,
    `skein policies set execution-cluster-label -d production --workflow my.workflow --value '{"value": "gpu"}'`,
  ).action(async (word: string, options: ScopeOptions & { readonly value?: string; readonly file?: string }) => {
    const { client, print, tenant } = openSession(environment, options);
    const scope = scopeOf(tenant.project, options);
    const attributes = { [MESSAGE_FIELDS[typeOf(word)]]: readMessage(options) } as Message;
    await client.attributes.set.mutate({ ...scope, attributes });
    print.note(`Policy ${word} is set. Runs that start from now on follow it.`);
  });

const remove = (environment: Environment): Command =>
  inScope(new Command("delete"))
    .description("Remove a policy of exactly this scope")
    .action(async (word: string, options: ScopeOptions) => {
      const { client, print, tenant } = openSession(environment, options);
      await client.attributes.delete.mutate({ ...scopeOf(tenant.project, options), type: typeOf(word) });
      print.note(`Policy ${word} is not set there any more.`);
    });

/** The fields of `flyteidl.admin.MatchingAttributes`. */
const MESSAGE_FIELDS: Readonly<Record<Type, string>> = {
  task_resource: "taskResourceAttributes",
  cluster_resource: "clusterResourceAttributes",
  execution_queue: "executionQueueAttributes",
  execution_cluster_label: "executionClusterLabel",
  quality_of_service_specification: "qualityOfService",
  plugin_override: "pluginOverrides",
  workflow_execution_config: "workflowExecutionConfig",
  cluster_assignment: "clusterAssignment",
};

const typeOf = (word: string): Type => TYPES[word] ?? (word as Type);

function readMessage({ value, file }: { readonly value?: string; readonly file?: string }) {
  if ((value === undefined) === (file === undefined)) throw invalid("policy", "give one of --value and --file");
  return readDocument(value ?? readText(file ?? "", "--file"), value === undefined ? `--file ${file}` : "--value");
}
