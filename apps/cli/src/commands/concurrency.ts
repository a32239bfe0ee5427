import type { SkeinInputs, SkeinOutputs } from "@skein/client";
import type { Environment } from "@skein/config";
import { Command, Option } from "commander";
import { invalid, readWhole } from "../input/read-time.ts";
import { inTenant, openSession, type SessionOptions, withExamples } from "../session/session.ts";

interface ConcurrencyOptions extends SessionOptions {
  readonly max?: string;
  readonly whenFull?: NonNullable<SkeinInputs["launchPlans"]["setConcurrency"]["whenFull"]>;
  readonly reset?: boolean;
}
type Concurrency = SkeinOutputs["launchPlans"]["getConcurrency"];

/** `skein concurrency`: how many runs of a launch plan there may be. */
export const concurrency = (environment: Environment): Command =>
  withExamples(
    inTenant(new Command("concurrency"))
      .description("Show or set how many unfinished runs of a launch plan there may be, all versions together")
      .argument("<launch plan>", "its name")
      .option("--max <number>", "so many; 0 for any number")
      .addOption(
        new Option("--when-full <what>", "what becomes of a launch above that").choices(["skip", "queue", "replace"]),
      )
      .option("--reset", "let the launch plan's versions decide themselves again"),
    "skein concurrency my.workflow --max 3 --when-full queue",
  ).action(async (name: string, options: ConcurrencyOptions) => {
    const { client, print, tenant } = openSession(environment, options);
    const id = { ...tenant, name };
    const asked = readLimit(options);
    const plans = client.launchPlans;
    const limit = asked ? await plans.setConcurrency.mutate({ ...id, ...asked }) : await plans.getConcurrency.query(id);
    print.one(limit, () => name, textOfLimit);
  });

function readLimit({ max, whenFull, reset }: ConcurrencyOptions) {
  if (reset) return { max: null };
  if (max === undefined && whenFull !== undefined) throw invalid("--when-full", "goes with --max");
  if (max === undefined) return undefined;
  return { max: readWhole(max, "--max", 0, 1_000_000), ...(whenFull === undefined ? {} : { whenFull }) };
}

const textOfLimit = (limit: Concurrency): string =>
  limit === null
    ? "Its versions decide themselves."
    : limit.max === 0
      ? "Any number of runs."
      : `At most ${limit.max} unfinished runs; above that: ${limit.whenFull}.`;
