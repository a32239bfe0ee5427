import { errorCodeOf, type SkeinInputs } from "@skein/client";
import type { Environment } from "@skein/config";
import { SkeinError } from "@skein/errors";
import { Command } from "commander";
import { collect } from "../input/collect.ts";
import { readInputsFile, readTypedInputs } from "../input/read-inputs.ts";
import { readPairs, readWhole } from "../input/read-time.ts";
import { safeLine } from "../output/safe-text.ts";
import { findTarget, type LaunchTarget, type TargetOptions } from "../runs/launch-target.ts";
import { showStarted, type WaitOptions, withWait } from "../runs/watch-to-end.ts";
import {
  inTenant,
  openSession,
  type RunId,
  type Session,
  type SessionOptions,
  withExamples,
} from "../session/session.ts";

interface RunOptions extends SessionOptions, WaitOptions, TargetOptions {
  readonly input: readonly string[];
  readonly inputs?: string;
  readonly name: string;
  readonly tag: readonly string[];
  readonly label: readonly string[];
  readonly env: readonly string[];
  readonly overwriteCache?: boolean;
  readonly priority?: string;
  readonly maxParallelism?: string;
}
type Launch = SkeinInputs["runs"]["launch"];

/** `skein run`: launches a launch plan or a task. */
export const run = (environment: Environment): Command =>
  withExamples(
    withOptions(withWait(inTenant(new Command("run")))),
    "skein run my.workflow --input x=5 --input when=2026-01-31T12:00:00Z --wait",
    "skein run my.workflow --inputs inputs.yaml --name nightly-2026-01-31   # again: the same run, not a second one",
    "echo '{\"x\": 5}' | skein run my.task --task --inputs - -o json",
  ).action(async (name: string, options: RunOptions) => {
    const session = openSession(environment, options);
    const target = await findTarget(session, name, options);
    if (target.note) session.print.note(safeLine(target.note));
    await showStarted(session, await launch(session, target, options), options);
  });

const INT32_MAX = 2_147_483_647;

const withOptions = (command: Command): Command =>
  command
    .description("Start a run of a launch plan (its active version) or of a task (its newest version)")
    .argument("<name>", "name of a launch plan or a task")
    .option("--launch-plan", "it is a launch plan, even where a task is called the same")
    .option("--task", "it is a task, even where a launch plan is called the same")
    .option("--version <version>", "this version instead")
    .option(
      "-i, --input <name=value>",
      "an input, read as the type that is asked for (repeat for several)",
      collect,
      [],
    )
    .option("--inputs <file>", "inputs as JSON or YAML; - is standard input. --input counts before it")
    .option("--name <name>", "name of the run; the same name again is the same run", "")
    .option("--tag <word>", "a word to find the run by (repeat for several)", collect, [])
    .option("--label <key=value>", "a label of the run (repeat for several)", collect, [])
    .option("--env <key=value>", "a variable of the run's tasks (repeat for several)", collect, [])
    .option("--priority <number>", "from -100 to 100: tasks of runs with a higher one go first")
    .option("--max-parallelism <number>", "how many of its tasks may be under way at once")
    .option("--overwrite-cache", "compute what is cached again, and cache it anew");

async function launch(session: Session, target: LaunchTarget, options: RunOptions): Promise<RunId> {
  const { client, tenant, print } = session;
  const { name, version, kind } = target;
  const launched: Launch = {
    ...tenant,
    name: options.name,
    [kind]: { name, version },
    inputs: {
      ...(options.inputs === undefined ? {} : readInputsFile(options.inputs)),
      ...readTypedInputs(readPairs(options.input, "--input"), target.inputs),
    },
    tags: [...options.tag],
    labels: readPairs(options.label, "--label"),
    environment: readPairs(options.env, "--env"),
    overwriteCache: options.overwriteCache ?? false,
    ...(options.priority === undefined ? {} : { priority: readWhole(options.priority, "--priority", -100, 100) }),
    ...(options.maxParallelism === undefined
      ? {}
      : { maxParallelism: readWhole(options.maxParallelism, "--max-parallelism", 1, INT32_MAX) }),
  };
  try {
    const started = await client.runs.launch.mutate(launched);
    return { project: started.project, domain: started.domain, name: started.name };
  } catch (error) {
    if (options.name === "" || errorCodeOf(error) !== "already_exists") throw error;
    const id = { ...tenant, name: options.name };
    await mustBeOf(session, id, target, error);
    print.note(`Run ${safeLine(options.name)} was started before; nothing new begins.`);
    return id;
  }
}

/** A name stands for one run: only a run of the same launch plan or task is the one that was meant. */
async function mustBeOf({ client }: Session, id: RunId, target: LaunchTarget, cause: unknown): Promise<void> {
  const { spec } = await client.runs.get.query(id);
  const of = (spec as { readonly launchPlan?: { readonly name?: string } }).launchPlan?.name;
  if (of === target.name) return;
  const message = `Run ${id.name} exists already, and is a run of ${of}. Choose another --name.`;
  throw new SkeinError("already_exists", "run_name_taken", message, { cause });
}
