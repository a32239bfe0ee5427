import type { Environment } from "@skein/config";
import { Command } from "commander";
import { readWhole } from "../input/read-time.ts";
import { safeLine } from "../output/safe-text.ts";
import { inTenant, openSession, type SessionOptions, withExamples } from "../session/session.ts";

/** `skein priority`: lets a run overtake others, or stand back. */
export const priority = (environment: Environment): Command =>
  withExamples(
    inTenant(new Command("priority"))
      .description("Let a run overtake others, or stand back: what runs goes on, what waits is put in order anew")
      .argument("<run>", "name of the run, or project/domain/name")
      .argument("<priority>", "from -100 to 100; runs have 0 where nobody says"),
    "skein priority f3a9 50",
    "skein priority f3a9 -- -50",
  ).action(async (name: string, text: string, options: SessionOptions) => {
    const { client, print, runId } = openSession(environment, options);
    const changed = await client.runs.setPriority.mutate({
      ...runId(name),
      priority: readWhole(text, "<priority>", -100, 100),
    });
    print.note(`Run ${safeLine(name)} has priority ${changed.priority}.`);
  });
