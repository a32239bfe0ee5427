import type { Environment } from "@skein/config";
import { Command } from "commander";
import { untilStopped } from "../follow/follow.ts";
import { readWhole } from "../input/read-time.ts";
import { type LogLine, readRunLog, stepLog } from "../logs/read-log.ts";
import { safeLine, safeLog } from "../output/safe-text.ts";
import { inTenant, openSession, type Session, type SessionOptions, withExamples } from "../session/session.ts";

interface LogsOptions extends SessionOptions {
  readonly follow?: boolean;
  readonly attempt?: string;
  readonly raw?: boolean;
}

/** `skein logs`: what tasks wrote. */
export const logs = (environment: Environment): Command =>
  withExamples(
    inTenant(new Command("logs"))
      .description("Show what a step's task wrote; without a step what all tasks wrote, each line behind its step")
      .argument("<run>", "name of the run, or project/domain/name")
      .argument("[step]", "name of the step")
      .option("-f, --follow", "go on until the step, or the run, is over")
      .option("--attempt <number>", "this try, counted from 0; the last without")
      .option("--raw", "send every byte to the terminal; without, what is neither text nor colour is shown escaped"),
    "skein logs f3a9 n0 -f",
    "skein logs f3a9 n0 > n0.log      # the bytes that the task wrote",
  ).action(async (name: string, step: string | undefined, options: LogsOptions) => {
    const session = openSession(environment, options);
    const run = session.runId(name);
    const show = shower(session, options, step === undefined);
    const attempt = options.attempt === undefined ? undefined : readWhole(options.attempt, "--attempt", 0, 10_000);
    const goOn = `Run ${safeLine(name)} goes on: skein logs ${safeLine(name)} -f`;
    await untilStopped(goOn, undefined, async (signal) => {
      const reading = { attempt, follow: options.follow ?? false, signal };
      if (step === undefined) return readRunLog(session, run, reading, show);
      for await (const line of stepLog(session, run, step, reading)) show(line);
    });
  });

/** A terminal gets what it can show; a pipe or a file gets the log as it is; JSON gets a document for each line. */
function shower({ print }: Session, { raw }: LogsOptions, isNamed: boolean): (line: LogLine) => void {
  if (print.form === "json" || print.form === "yaml") return print.next;
  const isTerminal = process.stdout.isTTY === true && !raw;
  return ({ step, text }) => {
    // Lines of several steps must not run into each other.
    const whole = isNamed && !text.endsWith("\n") ? `${text}\n` : text;
    process.stdout.write(`${isNamed ? `${safeLine(step)} | ` : ""}${isTerminal ? safeLog(whole) : whole}`);
  };
}
