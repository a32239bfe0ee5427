import type { Environment } from "@skein/config";
import { Command } from "commander";
import { followRun } from "../follow/follow.ts";
import { readSeconds } from "../input/read-time.ts";
import { safeLine } from "../output/safe-text.ts";
import { inEach } from "../runs/in-each.ts";
import type { WaitOptions } from "../runs/watch-to-end.ts";
import { inTenant, openSession, type SessionOptions, withExamples } from "../session/session.ts";

/** `skein stop`: ends runs before they are over. */
export const stop = (environment: Environment): Command =>
  withExamples(
    inTenant(new Command("stop"))
      .description("Stop runs: what runs is ended, nothing more begins. A run that is over stays as it is")
      .argument("<runs...>", "names of runs, or project/domain/name")
      .option("--reason <text>", "why; it is kept with the run", "")
      .option("-w, --wait", "wait until each run is over")
      .option("--timeout <time>", "with --wait: how long to wait, such as 10m (exit code 8)"),
    'skein stop f3a9 --reason "wrong input"',
    "skein runs --phase running --all -o name | xargs skein stop",
  ).action(async (names: readonly string[], options: SessionOptions & WaitOptions & { readonly reason: string }) => {
    const session = openSession(environment, options);
    await inEach(session, names, async (id) => {
      await session.client.runs.abort.mutate({ ...id, cause: options.reason });
      if (!options.wait) return `Run ${safeLine(id.name)} is asked to stop.`;
      const timeoutSeconds = options.timeout === undefined ? undefined : readSeconds(options.timeout, "--timeout");
      const { phase } = await followRun(session, id, { timeoutSeconds });
      return `Run ${safeLine(id.name)} is over: ${phase}.`;
    });
  });
