import type { Environment } from "@skein/config";
import { Command } from "commander";
import { archive, unarchive } from "./commands/archive.ts";
import { backfill } from "./commands/backfill.ts";
import { complete, completion } from "./commands/completion.ts";
import { concurrency } from "./commands/concurrency.ts";
import { config } from "./commands/config.ts";
import { demo } from "./commands/demo.ts";
import { dev } from "./commands/dev.ts";
import { doctor } from "./commands/doctor.ts";
import { get } from "./commands/get.ts";
import { logs } from "./commands/logs.ts";
import { notifications } from "./commands/notifications.ts";
import { policies } from "./commands/policies.ts";
import { agents, pools } from "./commands/pools.ts";
import { priority } from "./commands/priority.ts";
import { purge } from "./commands/purge.ts";
import { recover, relaunch } from "./commands/recover.ts";
import { retention } from "./commands/retention.ts";
import { run } from "./commands/run.ts";
import { runs } from "./commands/runs.ts";
import { schedules } from "./commands/schedules.ts";
import { secret } from "./commands/secret.ts";
import { signal } from "./commands/signal.ts";
import { stop } from "./commands/stop.ts";
import { watch } from "./commands/watch.ts";
import { why } from "./commands/why.ts";

const EXIT_CODES_HELP = `
Exit codes: 0 done, 1 error, 2 wrong use or input, 3 not found, 4 the run failed, 5 the run was stopped,
6 not allowed, 7 no server answers, 8 out of time, 130 interrupted.`;

/** The whole command line. */
export function createProgram(environment: Environment): Command {
  const program = new Command("skein")
    .description("Runs Flyte workflows on your own machines")
    // An option behind a command is the command's, also where the command above has one of the same name.
    .enablePositionalOptions()
    .showHelpAfterError("Use --help to see what there is.")
    .addHelpText("after", EXIT_CODES_HELP);
  program.commandsGroup("Runs:");
  for (const make of [
    run,
    runs,
    watch,
    logs,
    why,
    stop,
    recover,
    relaunch,
    signal,
    priority,
    archive,
    unarchive,
    purge,
  ]) {
    program.addCommand(make(environment));
  }
  program.commandsGroup("What there is:");
  for (const make of [get, schedules, backfill, concurrency, notifications, policies, retention, secret, pools, agents])
    program.addCommand(make(environment));
  program.commandsGroup("This machine:");
  for (const make of [dev, demo, doctor, config]) program.addCommand(make(environment));
  program.addCommand(completion());
  program.addCommand(complete(), { hidden: true });
  return throwing(program);
}

/** Errors of the command line are thrown instead of ending the process, so that one place gives the exit code. */
function throwing(command: Command): Command {
  command.exitOverride();
  for (const child of command.commands) throwing(child);
  return command;
}
