import type { SkeinOutputs } from "@skein/client";
import type { Environment } from "@skein/config";
import { Command } from "commander";
import { fieldsOf } from "../output/print.ts";
import { inTenant, openSession, type SessionOptions, withExamples } from "../session/session.ts";

type Reasons = SkeinOutputs["runs"]["why"];

/** `skein why`: what a run waits for. */
export const why = (environment: Environment): Command =>
  withExamples(
    inTenant(new Command("why"))
      .description("Say what a run, or one of its steps, waits for")
      .argument("<run>", "name of the run, or project/domain/name")
      .argument("[step]", "name of the step"),
    "skein why f3a9",
  ).action(async (name: string, step: string | undefined, options: SessionOptions) => {
    const { client, print, runId } = openSession(environment, options);
    const asked = { ...runId(name), ...(step === undefined ? {} : { action: step }) };
    print.one(await client.runs.why.query(asked), () => name, textOfReasons);
  });

function textOfReasons({ run, actions, hasMore }: Reasons): string {
  if (run === null && actions.length === 0) return "Nothing waits.";
  return fieldsOf([
    ["run", run],
    ...actions.map(({ name, reason }) => [name, reason] as const),
    ["…", hasMore ? "and more steps" : null],
  ]);
}
