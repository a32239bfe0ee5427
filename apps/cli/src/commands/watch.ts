import type { Environment } from "@skein/config";
import { Command } from "commander";
import { followRun, throwUnlessSucceeded } from "../follow/follow.ts";
import { readSeconds } from "../input/read-time.ts";
import { type WaitOptions, watchToEnd } from "../runs/watch-to-end.ts";
import { inTenant, openSession, type SessionOptions, withExamples } from "../session/session.ts";

/** `skein watch`: a run as it goes on. */
export const watch = (environment: Environment): Command =>
  withExamples(
    inTenant(new Command("watch"))
      .description("Follow a run to its end as a tree of its steps; ^C ends the watching, not the run")
      .argument("<run>", "name of the run, or project/domain/name")
      .option("--timeout <time>", "how long to watch, such as 10m (exit code 8)"),
    "skein watch f3a9",
    "skein watch f3a9 -o json | jq .run.phase      # one line of JSON for each change",
  ).action(async (name: string, options: SessionOptions & WaitOptions) => {
    const session = openSession(environment, options);
    const { print, consoleUrl, runId } = session;
    const id = runId(name);
    print.note(consoleUrl(id));
    if (options.output === "table") return watchToEnd(session, id, options);
    const timeoutSeconds = options.timeout === undefined ? undefined : readSeconds(options.timeout, "--timeout");
    throwUnlessSucceeded(await followRun(session, id, { timeoutSeconds, onUpdate: print.next }));
  });
