import type { SkeinInputs } from "@skein/client";
import { type Command, Option } from "commander";
import { collect } from "../input/collect.ts";
import { invalid, readMoment, readPairs, readSeconds } from "../input/read-time.ts";
import type { Session } from "../session/session.ts";

type Search = SkeinInputs["runs"]["search"];
type Condition = NonNullable<Search["inputs"]>[number];

const PHASES = ["queued", "running", "succeeded", "failing", "failed", "aborting", "aborted"] as const;
const MODES = ["manual", "scheduled", "system", "relaunch", "child_workflow", "recovered", "trigger"] as const;

/** Which runs `skein runs` lists. */
export interface FilterOptions {
  readonly allDomains?: boolean;
  readonly phase: readonly (typeof PHASES)[number][];
  readonly mode: readonly (typeof MODES)[number][];
  readonly workflow?: string;
  readonly launchPlan?: string;
  readonly task?: string;
  readonly version?: string;
  readonly tag: readonly string[];
  readonly label: readonly string[];
  readonly by: readonly string[];
  readonly nameContains?: string;
  readonly error: readonly string[];
  readonly input: readonly string[];
  readonly since?: string;
  readonly until?: string;
  readonly longerThan?: string;
  readonly shorterThan?: string;
  readonly archived?: boolean;
}

/** Adds the options of `FilterOptions`. */
export const withFilter = (command: Command): Command =>
  command
    .option("--all-domains", "in every domain of the project")
    .addOption(several("--phase <phase>", "in this phase", PHASES))
    .addOption(several("--mode <mode>", "that came to be in this way", MODES))
    .option("--workflow <name>", "of this workflow")
    .option("--launch-plan <name>", "of this launch plan")
    .option("--task <name>", "of this single task")
    .option("--version <version>", "of this version of it")
    .option("--tag <word>", "with this tag (repeat for one of several)", collect, [])
    .option(
      "--label <key=value>",
      "with this label, or with any value: --label key= (repeat for all of several)",
      collect,
      [],
    )
    .option("--by <principal>", "that this one started (repeat for one of several)", collect, [])
    .option("--name-contains <text>", "with this in their name")
    .option("--error <code>", "that failed with this code (repeat for one of several)", collect, [])
    .option(
      "-i, --input <condition>",
      "whose input fits: x=5, x>=5, x<5, name~part (repeat for all of several)",
      collect,
      [],
    )
    .option("--since <time>", "created at or after a moment, or in the last 2h, 3d")
    .option("--until <time>", "created before a moment, or longer ago than 2h, 3d")
    .option("--longer-than <time>", "that took at least this long, such as 5m")
    .option("--shorter-than <time>", "that took at most this long")
    .option("--archived", "archived runs instead");

function several(flags: string, description: string, choices: readonly string[]): Option {
  const option = new Option(flags, `${description} (repeat for one of several): ${choices.join(", ")}`);
  const read = (value: string, before: readonly string[]): readonly string[] => {
    if (choices.includes(value)) return collect(value, before);
    throw invalid(flags.split(" ")[0] ?? "", `"${value}" must be one of ${choices.join(", ")}`);
  };
  option.argParser(read).default([], "");
  // What Tab completes; `choices` would take the place of the reader above.
  option.argChoices = [...choices];
  return option;
}

/** The options as the server is asked. */
export function readFilter(
  { tenant }: Pick<Session, "tenant">,
  options: FilterOptions,
): Omit<Search, "limit" | "cursor"> {
  const moment = (option: "since" | "until") => {
    const text = options[option];
    return text === undefined ? undefined : readMoment(text, `--${option}`);
  };
  const seconds = (text: string | undefined, option: string) =>
    text === undefined ? undefined : readSeconds(text, option);
  const some = <Value>(values: readonly Value[]): Value[] | undefined =>
    values.length === 0 ? undefined : [...values];
  return withoutUndefined({
    project: tenant.project,
    domain: options.allDomains ? undefined : tenant.domain,
    states: options.archived ? (["archived"] as const) : undefined,
    phases: some(options.phase),
    modes: some(options.mode),
    principals: some(options.by),
    errorCodes: some(options.error),
    tags: some(options.tag),
    labels: readPairs(options.label, "--label"),
    inputs: options.input.map(readCondition),
    workflow: options.workflow,
    launchPlan: options.launchPlan,
    task: options.task,
    version: options.version,
    nameContains: options.nameContains,
    createdAfter: moment("since"),
    createdBefore: moment("until"),
    durationMin: seconds(options.longerThan, "--longer-than"),
    durationMax: seconds(options.shorterThan, "--shorter-than"),
  }) as Omit<Search, "limit" | "cursor">;
}

const OPERATORS = { "=": "eq", "~": "contains", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte" } as const;

/** `x=5` finds the number and the text, because nobody says here of which type the input is. */
export function readCondition(text: string): Condition {
  const [, name = "", sign = "", value = ""] = /^([^=<>~]+)(>=|<=|=|~|>|<)([\s\S]*)$/.exec(text) ?? [];
  if (name === "") throw invalid("--input", `"${text}" must be name=value, or have one of >= <= > < ~ in between`);
  const operator = OPERATORS[sign as keyof typeof OPERATORS];
  if (operator === "contains") return { name, operator, value };
  const typed = typedValue(value);
  if (operator !== "eq") return { name, operator, value: typed };
  return { name, operator, value: typed === value ? value : [typed, value] };
}

function typedValue(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  const number = Number(text);
  const isExact = /^-?\d+$/.test(text) ? Number.isSafeInteger(number) : Number.isFinite(number);
  return text.trim() !== "" && isExact ? number : text;
}

const withoutUndefined = (value: object): object =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined));
