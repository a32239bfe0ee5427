import type { Environment } from "@skein/config";
import { Command } from "commander";
import { safeLine } from "../output/safe-text.ts";
import { inEach } from "../runs/in-each.ts";
import { inTenant, openSession, type SessionOptions, withExamples } from "../session/session.ts";

/** `skein archive`: keeps runs out of lists. */
export const archive = (environment: Environment): Command =>
  stateCommand(environment, "archive", "archived", "Keep runs out of lists; they stay as they are, and go on");

/** `skein unarchive`: brings archived runs back. */
export const unarchive = (environment: Environment): Command =>
  stateCommand(environment, "unarchive", "active", "Show archived runs in lists again");

const stateCommand = (
  environment: Environment,
  name: string,
  state: "active" | "archived",
  description: string,
): Command =>
  withExamples(
    inTenant(new Command(name)).description(description).argument("<runs...>", "names of runs, or project/domain/name"),
    `skein ${name} f3a9 b17c`,
  ).action(async (names: readonly string[], options: SessionOptions) => {
    const session = openSession(environment, options);
    await inEach(session, names, async (id) => {
      await session.client.runs.setState.mutate({ ...id, state });
      return `Run ${safeLine(id.name)} is ${state}.`;
    });
  });
