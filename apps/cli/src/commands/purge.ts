import { createInterface } from "node:readline/promises";
import type { SkeinOutputs } from "@skein/client";
import type { Environment } from "@skein/config";
import { Command } from "commander";
import { invalid, readWhole } from "../input/read-time.ts";
import { ExitError } from "../output/exit-code.ts";
import { formatMoment } from "../output/moment.ts";
import type { View } from "../output/print.ts";
import { safeLine } from "../output/safe-text.ts";
import { inEach } from "../runs/in-each.ts";
import { inTenant, openSession, type SessionOptions, withExamples } from "../session/session.ts";

interface PurgeOptions extends SessionOptions {
  readonly yes?: boolean;
  readonly withChildren?: boolean;
}
type Purge = SkeinOutputs["purges"]["list"]["items"][number];

/** `skein purge`: deletes runs for good. */
export function purge(environment: Environment): Command {
  const command = purgeRuns(environment);
  command.addCommand(list(environment));
  return command;
}

const purgeRuns = (environment: Environment): Command =>
  withExamples(
    inTenant(new Command("purge").enablePositionalOptions())
      .description("Delete runs that are over, with all their data, for good. What others still need of it is kept")
      .argument("<runs...>", "names of runs, or project/domain/name")
      .option("--with-children", "also the runs that they started")
      .option("-y, --yes", "do not ask"),
    "skein purge f3a9 --yes",
    "skein runs --phase failed --until 90d --all -o name | xargs skein purge --yes",
    "skein purge list",
  ).action(async (names: readonly string[], options: PurgeOptions) => {
    const session = openSession(environment, options);
    if (!options.yes) await ask(names);
    const { withChildren = false } = options;
    await inEach(session, names, async (id) => {
      const { runs } = await session.client.runs.delete.mutate({ ...id, withChildren });
      return `Run ${safeLine(id.name)} is deleted${runs.length > 1 ? `, and ${runs.length - 1} that it started` : ""}.`;
    });
  });

async function ask(names: readonly string[]): Promise<void> {
  if (!process.stdin.isTTY) throw invalid("--yes", "is needed where nobody can be asked");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const what = names.length === 1 ? `run ${safeLine(names[0] ?? "")}` : `${names.length} runs`;
  const answer = await lines.question(`Delete ${what} with all data, for good? [y/N] `).finally(() => lines.close());
  if (!/^y(es)?$/i.test(answer.trim())) throw new ExitError("error", "Nothing is deleted.");
}

const view: View<Purge> = {
  columns: [
    { title: "RUN", text: (one) => one.name },
    { title: "DELETES", text: (one) => one.kind },
    { title: "ASKED", text: (one) => formatMoment(one.createdAt) },
    { title: "BY", text: (one) => (one.isRetention ? "retention" : one.requestedBy) },
    { title: "ENDED", text: (one) => formatMoment(one.endedAt) },
    { title: "OBJECTS", text: (one) => `${one.objectsDeleted} deleted, ${one.objectsKept} kept` },
    { title: "WAITS FOR", text: (one) => one.waitsFor ?? "" },
  ],
  nameOf: (one) => one.name,
  empty: "Nothing was deleted.",
};

const list = (environment: Environment): Command =>
  inTenant(new Command("list"))
    .description("List what was deleted, newest first, and what of it is still to be done")
    .option("--open", "only what is still to be done")
    .option("--limit <number>", "how many to show", "50")
    .action(async ({ open, ...options }: SessionOptions & { readonly open?: boolean; readonly limit: string }) => {
      const { client, print, tenant } = openSession(environment, options);
      const limit = readWhole(options.limit, "--limit", 1, 1_000);
      print.list((await client.purges.list.query({ ...tenant, ...(open ? { isOpen: true } : {}), limit })).items, view);
    });
