import type { Environment } from "@skein/config";
import { Command } from "commander";
import { collect } from "../input/collect.ts";
import { invalid } from "../input/read-time.ts";
import { showStarted, type WaitOptions, withWait } from "../runs/watch-to-end.ts";
import { inTenant, openSession, type SessionOptions, withExamples } from "../session/session.ts";

interface RecoverOptions extends SessionOptions, WaitOptions {
  readonly name: string;
  readonly from: readonly string[];
  readonly overwriteCache?: boolean;
}

/** `skein recover`: a new run that takes over what succeeded. */
export const recover = (environment: Environment): Command =>
  withExamples(
    again("recover")
      .description("Run again what did not succeed in a run that is over; what succeeded is taken over")
      .option("--from <step>", "do this step and all that comes after it anew (repeat for several)", collect, []),
    "skein recover f3a9 --wait",
    "skein recover f3a9 --from n2",
  ).action(async (name: string, options: RecoverOptions) => {
    const session = openSession(environment, options);
    const { client, runId } = session;
    const of = { ...runId(name), newName: options.name };
    const { from, overwriteCache = false } = options;
    if (from.length === 0 && overwriteCache) throw invalid("--overwrite-cache", "goes with --from");
    const started =
      from.length === 0
        ? await client.runs.recover.mutate(of)
        : await client.runs.rerun.mutate({ ...of, from: [...from], overwriteCache });
    await showStarted(session, idOf(started), options);
  });

/** `skein relaunch`: the same run once more from its beginning. */
export const relaunch = (environment: Environment): Command =>
  withExamples(
    again("relaunch").description("Start a run once more with the same inputs and settings, from its beginning"),
    "skein relaunch f3a9 --name f3a9-again --wait",
  ).action(async (name: string, options: RecoverOptions) => {
    const session = openSession(environment, options);
    const of = { ...session.runId(name), newName: options.name, overwriteCache: options.overwriteCache ?? false };
    await showStarted(session, idOf(await session.client.runs.relaunch.mutate(of)), options);
  });

const again = (name: string): Command =>
  withWait(inTenant(new Command(name)))
    .argument("<run>", "name of the run, or project/domain/name")
    .option("--name <name>", "name of the new run; the server makes one without", "")
    .option("--overwrite-cache", "compute what is cached again, and cache it anew");

const idOf = ({
  project,
  domain,
  name,
}: {
  readonly project: string;
  readonly domain: string;
  readonly name: string;
}) => ({
  project,
  domain,
  name,
});
