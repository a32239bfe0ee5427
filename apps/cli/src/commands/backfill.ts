import type { SkeinInputs, SkeinOutputs } from "@skein/client";
import type { Environment } from "@skein/config";
import { Command } from "commander";
import { invalid, readMoment, readWhole } from "../input/read-time.ts";
import { formatMoment } from "../output/moment.ts";
import { fieldsOf, type View } from "../output/print.ts";
import { safeLine } from "../output/safe-text.ts";
import { ticksView } from "../schedules/ticks-view.ts";
import { readAll } from "../session/pages.ts";
import { inTenant, openSession, type SessionOptions, withExamples } from "../session/session.ts";

type Backfill = SkeinOutputs["backfills"]["list"]["items"][number];
type NewBackfill = SkeinInputs["backfills"]["create"];

interface CreateOptions extends SessionOptions {
  readonly from?: string;
  readonly to?: string;
  readonly version?: string;
  readonly cron?: string;
  readonly every?: string;
  readonly timeZone?: string;
  readonly kickoffInput?: string;
  readonly newestFirst?: boolean;
  readonly parallel: string;
  readonly overwriteCache?: boolean;
  readonly again?: boolean;
}

const view: View<Backfill> = {
  columns: [
    { title: "ID", text: (one) => one.id },
    { title: "LAUNCH PLAN", text: (one) => one.name },
    { title: "PHASE", text: (one) => one.phase },
    { title: "FROM", text: (one) => formatMoment(one.from) },
    { title: "TO", text: (one) => formatMoment(one.to) },
    { title: "TICKS", text: (one) => progressOf(one) },
    { title: "BY", text: (one) => one.createdBy },
  ],
  nameOf: (one) => one.id,
  empty: "No backfills.",
};

const progressOf = ({ ticks }: Backfill): string => {
  const { total, pending, launched, failed, leftAlone } = ticks;
  const parts = [`${launched} of ${total} launched`, pending && `${pending} waiting`, failed && `${failed} failed`];
  return [...parts, leftAlone && `${leftAlone} had a run`].filter(Boolean).join(", ");
};

/** `skein backfill`: runs for moments that are over. */
export function backfill(environment: Environment): Command {
  const command = create(environment);
  command.addCommand(list(environment));
  command.addCommand(get(environment));
  for (const [verb, description] of VERBS) command.addCommand(steer(environment, verb, description));
  return command;
}

const VERBS = [
  ["pause", "Launch nothing more for now; runs go on"],
  ["resume", "Go on where it was paused"],
  ["cancel", "Launch nothing more for ever; runs go on"],
] as const;

const create = (environment: Environment): Command =>
  withExamples(
    inTenant(new Command("backfill").enablePositionalOptions())
      .description(
        "Start a run for each moment of a schedule in a range of time; a moment that has its run is left alone",
      )
      .argument("<launch plan>", "its name")
      .option("--from <time>", "the first moment: a date, ISO 8601, or how long ago such as 30d")
      .option("--to <time>", "the last moment; both ends belong to the range")
      .option("--version <version>", "of the launch plan; the active one without")
      .option("--cron <expression>", "these moments instead of the schedule's")
      .option("--every <count unit>", 'the same as a rate, such as "1 day"')
      .option("--time-zone <zone>", "an IANA name, instead of the schedule's")
      .option("--kickoff-input <name>", "the input that is given the moment, instead of the schedule's")
      .option("--newest-first", "start with the latest moment")
      .option("--parallel <number>", "how many of its runs may go on at once", "10")
      .option("--overwrite-cache", "compute what is cached again, and cache it anew")
      .option("--again", "start a run also where a moment has one"),
    "skein backfill my.nightly --from 2026-01-01 --to 2026-01-31 --parallel 4",
    "skein backfill list",
    "skein backfill pause 0b0e6f1c-…",
  ).action(async (name: string, options: CreateOptions) => {
    const { client, print, tenant } = openSession(environment, options);
    const created = await client.backfills.create.mutate({ ...tenant, name, ...readRange(options) });
    print.note(`Backfill of ${safeLine(name)} begins. Follow it: skein backfill get ${created.id}`);
    print.one(created, (one) => one.id, textOfBackfill);
  });

function readRange(options: CreateOptions): Omit<NewBackfill, "project" | "domain" | "name"> {
  const { from, to, version, timeZone, kickoffInput } = options;
  if (from === undefined || to === undefined) throw invalid("range", "give --from and --to");
  const schedule = readSchedule(options);
  return {
    from: readMoment(from, "--from"),
    to: readMoment(to, "--to"),
    maxParallel: readWhole(options.parallel, "--parallel", 1, 1_000),
    order: options.newestFirst ? "newest" : "oldest",
    overwriteCache: options.overwriteCache ?? false,
    again: options.again ?? false,
    ...(version === undefined ? {} : { version }),
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(kickoffInput === undefined ? {} : { kickoffInput }),
    ...(schedule === undefined ? {} : { schedule }),
  };
}

function readSchedule({ cron, every }: CreateOptions): NewBackfill["schedule"] {
  if (cron !== undefined && every !== undefined) throw invalid("--every", "goes without --cron");
  if (cron !== undefined) return { cron };
  if (every === undefined) return undefined;
  const [, count, unit] = /^(\d+)\s*(minute|hour|day)s?$/i.exec(every) ?? [];
  if (unit === undefined)
    throw invalid("--every", `"${every}" must be a count of minutes, hours or days such as "1 day"`);
  return { every: Number(count), unit: unit.toLowerCase() as "minute" | "hour" | "day" };
}

const list = (environment: Environment): Command =>
  inTenant(new Command("list"))
    .description("List backfills, newest first")
    .argument("[launch plan]", "only of this one")
    .action(async (name: string | undefined, options: SessionOptions) => {
      const { client, print, tenant } = openSession(environment, options);
      const where = { ...tenant, ...(name === undefined ? {} : { name }) };
      print.list(await readAll((page) => client.backfills.list.query({ ...where, ...page })), view);
    });

const get = (environment: Environment): Command =>
  ofOne("get", "Show a backfill, or what came of its moments")
    .option("--ticks", "list its moments, newest first")
    .action(async (id: string, options: SessionOptions & { readonly ticks?: boolean }) => {
      const { client, print, tenant } = openSession(environment, options);
      const asked = { ...tenant, id };
      if (!options.ticks) return print.one(await client.backfills.get.query(asked), (one) => one.id, textOfBackfill);
      print.list(await readAll((page) => client.backfills.ticks.query({ ...asked, ...page })), ticksView);
    });

const steer = (environment: Environment, verb: (typeof VERBS)[number][0], description: string): Command =>
  ofOne(verb, description).action(async (id: string, options: SessionOptions) => {
    const { client, print, tenant } = openSession(environment, options);
    const changed = await client.backfills[verb].mutate({ ...tenant, id });
    print.note(`Backfill ${safeLine(id)} is ${changed.phase}: ${progressOf(changed)}.`);
    if (options.output !== "table") print.one(changed, (one) => one.id, textOfBackfill);
  });

const ofOne = (verb: string, description: string): Command =>
  inTenant(new Command(verb)).description(description).argument("<id>", "the backfill's id");

const textOfBackfill = (one: Backfill): string =>
  fieldsOf([
    ["Backfill", one.id],
    ["Launch plan", `${one.name} ${one.version}`],
    ["Phase", one.phase],
    ["When", `${one.schedule} (${one.timeZone})`],
    ["From", formatMoment(one.from)],
    ["To", formatMoment(one.to)],
    ["Ticks", progressOf(one)],
    ["At once", `${one.ticks.running} of ${one.maxParallel}, ${one.order} first`],
    ["By", one.createdBy],
    ["Ended", formatMoment(one.endedAt)],
  ]);
