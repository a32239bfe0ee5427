import type { SkeinInputs, SkeinOutputs } from "@skein/client";
import type { Environment } from "@skein/config";
import { Command } from "commander";
import { collect } from "../input/collect.ts";
import { readText } from "../input/read-inputs.ts";
import { invalid, readWhole } from "../input/read-time.ts";
import { formatMoment } from "../output/moment.ts";
import type { View } from "../output/print.ts";
import { safeLine } from "../output/safe-text.ts";
import { readAll } from "../session/pages.ts";
import { inTenant, openSession, type SessionOptions, withExamples } from "../session/session.ts";

type Rule = SkeinOutputs["notifications"]["rules"]["list"]["items"][number];
type Delivery = SkeinOutputs["notifications"]["deliveries"]["list"]["items"][number];
type NewRule = SkeinInputs["notifications"]["rules"]["set"];

interface SetOptions extends SessionOptions {
  readonly phase: readonly string[];
  readonly email: readonly string[];
  readonly slackFile?: string;
  readonly webhookFile?: string;
  readonly secretFile?: string;
  readonly workflow?: string;
  readonly launchPlan?: string;
  readonly allDomains?: boolean;
}

const rulesView: View<Rule> = {
  columns: [
    { title: "RULE", text: (rule) => rule.name },
    { title: "DOMAIN", text: (rule) => rule.domain ?? "*" },
    { title: "OF", text: (rule) => rule.launchPlan ?? rule.workflow ?? "*" },
    { title: "WHEN", text: (rule) => rule.phases.join(", ") },
    { title: "HOW", text: (rule) => rule.target.kind },
    {
      title: "TO",
      text: ({ target }) => ("addresses" in target ? target.addresses.join(", ") : target.host),
      widthMax: 60,
    },
  ],
  nameOf: (rule) => rule.name,
  empty: "No rules: nobody hears of runs that are over, except where a run or its launch plan says so.",
};

const deliveriesView: View<Delivery> = {
  columns: [
    { title: "ID", text: (one) => one.id },
    { title: "RUN", text: (one) => one.run },
    { title: "RULE", text: (one) => one.rule ?? "-" },
    { title: "HOW", text: (one) => one.kind },
    { title: "OUTCOME", text: (one) => one.outcome },
    { title: "TRIES", text: (one) => String(one.tries) },
    { title: "CREATED", text: (one) => formatMoment(one.createdAt) },
    { title: "LAST ERROR", text: (one) => one.lastError ?? "", widthMax: 80 },
  ],
  nameOf: (one) => one.id,
  empty: "Nothing was sent.",
};

/** `skein notifications`: who hears of runs that are over. */
export function notifications(environment: Environment): Command {
  const command = new Command("notifications").description(
    "Say who hears of runs that are over, and see what was sent",
  );
  command.addCommand(rules(environment), { isDefault: true });
  command.addCommand(set(environment));
  command.addCommand(remove(environment));
  command.addCommand(deliveries(environment));
  command.addCommand(retry(environment));
  return command;
}

const rules = (environment: Environment): Command =>
  inTenant(new Command("rules"))
    .description("List the rules that count in a domain")
    .action(async (options: SessionOptions) => {
      const { client, print, tenant } = openSession(environment, options);
      print.list((await client.notifications.rules.list.query(tenant)).items, rulesView);
    });

const set = (environment: Environment): Command =>
  withExamples(
    inTenant(new Command("set"))
      .description(
        "Make a rule, or put it in the place of the one with its name. Addresses of webhooks are secrets: they come from files",
      )
      .argument("<rule>", "its name")
      .option(
        "--phase <phase>",
        "tell of runs that end so (repeat for several): succeeded, failed, aborted",
        collect,
        [],
      )
      .option("--email <address>", "by e-mail to this address (repeat for several)", collect, [])
      .option("--slack-file <path>", "to the Slack incoming webhook whose URL stands in this file; - is standard input")
      .option("--webhook-file <path>", "to the webhook whose URL stands in this file")
      .option("--secret-file <path>", "with --webhook-file: what signs the messages")
      .option("--workflow <name>", "only runs of this workflow or task")
      .option("--launch-plan <name>", "only runs of this launch plan")
      .option("--all-domains", "runs of every domain of the project"),
    "skein notifications set on-call --phase failed --phase aborted --email ops@example.com",
    "skein notifications set hook --phase failed --webhook-file url.txt --secret-file key.txt",
  ).action(async (name: string, options: SetOptions) => {
    const { client, print, tenant } = openSession(environment, options);
    const { workflow, launchPlan } = options;
    const rule = await client.notifications.rules.set.mutate({
      ...(options.allDomains ? { project: tenant.project } : tenant),
      name,
      phases: [...options.phase] as NewRule["phases"],
      target: readTarget(options),
      ...(workflow === undefined ? {} : { workflow }),
      ...(launchPlan === undefined ? {} : { launchPlan }),
    });
    print.note(`Rule ${safeLine(rule.name)} counts for runs that end from now on.`);
    if (options.output !== "table")
      print.one(
        rule,
        (one) => one.name,
        (one) => one.name,
      );
  });

function readTarget({ email, slackFile, webhookFile, secretFile }: SetOptions): NewRule["target"] {
  const given = [email.length > 0, slackFile !== undefined, webhookFile !== undefined].filter(Boolean);
  if (given.length !== 1) throw invalid("target", "give one of --email, --slack-file and --webhook-file");
  if (email.length > 0) return { kind: "email", addresses: [...email] };
  if (slackFile !== undefined) return { kind: "slack", url: readText(slackFile, "--slack-file").trim() };
  if (secretFile === undefined) throw invalid("--secret-file", "is needed with --webhook-file");
  const url = readText(webhookFile ?? "", "--webhook-file").trim();
  return { kind: "webhook", url, secret: readText(secretFile, "--secret-file").trim() };
}

const remove = (environment: Environment): Command =>
  inTenant(new Command("delete"))
    .description("Remove a rule")
    .argument("<rule>", "its name")
    .option("--all-domains", "the rule is for every domain of the project")
    .action(async (name: string, options: SessionOptions & { readonly allDomains?: boolean }) => {
      const { client, print, tenant } = openSession(environment, options);
      const scope = options.allDomains ? { project: tenant.project } : tenant;
      await client.notifications.rules.delete.mutate({ ...scope, name });
      print.note(`Rule ${safeLine(name)} is gone.`);
    });

interface DeliveriesOptions extends SessionOptions {
  readonly run?: string;
  readonly outcome?: Delivery["outcome"];
  readonly limit: string;
}

const deliveries = (environment: Environment): Command =>
  withExamples(
    inTenant(new Command("deliveries"))
      .description("List what was sent, newest first, and what came of it")
      .option("--run <name>", "only about this run")
      .option("--outcome <outcome>", "only these: waiting, delivered, failed")
      .option("--limit <number>", "how many to show", "50"),
    "skein notifications deliveries --outcome failed",
  ).action(async ({ run, outcome, ...options }: DeliveriesOptions) => {
    const { client, print, tenant } = openSession(environment, options);
    const where = { ...tenant, ...(run === undefined ? {} : { run }), ...(outcome === undefined ? {} : { outcome }) };
    const limit = readWhole(options.limit, "--limit", 1, 1_000_000);
    const list = client.notifications.deliveries.list;
    print.list(await readAll((page) => list.query({ ...where, ...page }), limit), deliveriesView);
  });

const retry = (environment: Environment): Command =>
  inTenant(new Command("retry"))
    .description("Send again what failed")
    .argument("<id>", "the delivery's id")
    .action(async (id: string, options: SessionOptions) => {
      const { client, print, tenant } = openSession(environment, options);
      await client.notifications.deliveries.retry.mutate({ ...tenant, id });
      print.note(`Delivery ${safeLine(id)} is sent again.`);
    });
