import type { SkeinInputs, SkeinOutputs } from "@skein/client";
import type { Environment } from "@skein/config";
import { Command } from "commander";
import { invalid, readWhole } from "../input/read-time.ts";
import { formatMoment } from "../output/moment.ts";
import { fieldsOf, type View } from "../output/print.ts";
import { safeLine } from "../output/safe-text.ts";
import { ticksView, withOutcomes } from "../schedules/ticks-view.ts";
import { readAll } from "../session/pages.ts";
import { inTenant, openSession, type SessionOptions, withExamples } from "../session/session.ts";

type Schedule = SkeinOutputs["schedules"]["list"]["items"][number];
type Outcome = NonNullable<SkeinInputs["schedules"]["ticks"]["outcomes"]>[number];

const view: View<Schedule> = {
  columns: [
    { title: "LAUNCH PLAN", text: (one) => one.name },
    { title: "VERSION", text: (one) => one.version ?? "-", widthMax: 24 },
    { title: "WHEN", text: (one) => one.schedule },
    { title: "ZONE", text: (one) => one.timeZone.value },
    { title: "STATE", text: (one) => stateOf(one) },
    { title: "NEXT", text: (one) => formatMoment(one.next[0]) },
  ],
  nameOf: (one) => one.name,
  empty: "No schedules. A launch plan with a schedule has one while a version of it is active.",
};

const stateOf = ({ isActive, isPaused }: Schedule): string => (isPaused ? "paused" : isActive ? "active" : "off");
/** A setting, and who says so. */
const said = ({ value, from }: Schedule["overlap"]): string => `${value} (by the ${from})`;

/** `skein schedules`: when launch plans start by themselves. */
export function schedules(environment: Environment): Command {
  const command = new Command("schedules").description("Show when launch plans start by themselves, and steer it");
  command.addCommand(list(environment), { isDefault: true });
  command.addCommand(get(environment));
  command.addCommand(next(environment));
  command.addCommand(ticks(environment));
  command.addCommand(pause(environment, "pause", "Start nothing more; what the pause leaves out is not made up for"));
  command.addCommand(pause(environment, "resume", "Start again, from the next moment on"));
  command.addCommand(set(environment));
  return command;
}

const list = (environment: Environment): Command =>
  inTenant(new Command("list"))
    .description("List schedules")
    .option("--active", "only those that start runs now")
    .action(async ({ active, ...options }: SessionOptions & { readonly active?: boolean }) => {
      const { client, print, tenant } = openSession(environment, options);
      const where = { ...tenant, ...(active ? { isActive: true } : {}) };
      print.list(await readAll((page) => client.schedules.list.query({ ...where, ...page })), view);
    });

const get = (environment: Environment): Command =>
  of("get", "Show a schedule with its next moments").action(async (name: string, options: SessionOptions) => {
    const { client, print, tenant } = openSession(environment, options);
    print.one(await client.schedules.get.query({ ...tenant, name }), (one) => one.name, textOfSchedule);
  });

const next = (environment: Environment): Command =>
  withExamples(
    of("next", "Show the next moments at which it starts a run").option("--count <number>", "how many", "10"),
    "skein schedules next my.nightly --count 3",
  ).action(async (name: string, options: SessionOptions & { readonly count: string }) => {
    const { client, print, tenant } = openSession(environment, options);
    const count = readWhole(options.count, "--count", 1, 100);
    const moments = (await client.schedules.get.query({ ...tenant, name, next: count })).next;
    const columns = [{ title: "NEXT", text: (moment: string) => formatMoment(moment) }];
    print.list(moments, { columns, nameOf: (moment) => moment, empty: "It starts nothing more: it is paused or off." });
  });

const ticks = (environment: Environment): Command =>
  withExamples(
    withOutcomes(of("ticks", "Show what came of its moments so far, newest first")).option(
      "--limit <number>",
      "how many to show",
      "20",
    ),
    "skein schedules ticks my.nightly --outcome missed --outcome failed",
  ).action(async (name: string, options: SessionOptions & { readonly limit: string; readonly outcome: Outcome[] }) => {
    const { client, print, tenant } = openSession(environment, options);
    const limit = readWhole(options.limit, "--limit", 1, 1_000_000);
    const outcomes = options.outcome.length === 0 ? {} : { outcomes: [...options.outcome] };
    const asked = { ...tenant, name, ...outcomes };
    print.list(await readAll((page) => client.schedules.ticks.query({ ...asked, ...page }), limit), ticksView);
  });

const pause = (environment: Environment, verb: "pause" | "resume", description: string): Command =>
  of(verb, description).action(async (name: string, options: SessionOptions) => {
    const { client, print, tenant } = openSession(environment, options);
    const changed = await client.schedules[verb].mutate({ ...tenant, name });
    print.note(`Schedule ${safeLine(name)} is ${stateOf(changed)}.`);
    if (options.output !== "table") print.one(changed, (one) => one.name, textOfSchedule);
  });

interface SetOptions extends SessionOptions {
  readonly timeZone?: string;
  readonly catchUp?: string;
  readonly overlap?: string;
}

const set = (environment: Environment): Command =>
  withExamples(
    of("set", "Say how it behaves, whatever the launch plan's versions say; default gives it back to them")
      .option("--time-zone <zone>", "an IANA name such as Europe/Berlin, or default")
      .option("--catch-up <policy>", 'what is made up for after an outage: none, latest, all, "all max 10", or default')
      .option("--overlap <policy>", "while a run of it goes on: allow, skip, queue, cancel, or default"),
    "skein schedules set my.nightly --time-zone Europe/Berlin --overlap skip",
  ).action(async (name: string, { timeZone, catchUp, overlap, ...options }: SetOptions) => {
    const { client, print, tenant } = openSession(environment, options);
    const given = Object.entries({ timeZone, catchUp, overlap }).filter(([, value]) => value !== undefined);
    if (given.length === 0) throw invalid("schedule", "give --time-zone, --catch-up or --overlap");
    const settings = Object.fromEntries(given.map(([field, value]) => [field, value === "default" ? null : value]));
    const changed = await client.schedules.update.mutate({ ...tenant, name, ...settings });
    print.one(changed, (one) => one.name, textOfSchedule);
  });

const of = (verb: string, description: string): Command =>
  inTenant(new Command(verb)).description(description).argument("<launch plan>", "its name");

const textOfSchedule = (one: Schedule): string =>
  fieldsOf([
    ["Launch plan", one.name],
    ["Version", one.version ?? "none is active"],
    ["When", one.schedule],
    ["Zone", said(one.timeZone)],
    ["State", stateOf(one)],
    ["Catch-up", said(one.catchUp)],
    ["Overlap", said(one.overlap)],
    ["Next", one.next.map((moment) => formatMoment(moment)).join("\n")],
    ["Active since", `${formatMoment(one.activatedAt)} by ${one.activatedBy || "the server"}`],
  ]);
