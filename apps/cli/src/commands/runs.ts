import type { SkeinOutputs } from "@skein/client";
import type { Environment } from "@skein/config";
import { Command, Option } from "commander";
import { readWhole } from "../input/read-time.ts";
import { type FilterOptions, readFilter, withFilter } from "../runs/run-filter.ts";
import { runView } from "../runs/run-view.ts";
import { inTenant, openSession, type SessionOptions, withExamples } from "../session/session.ts";

interface RunsOptions extends SessionOptions, FilterOptions {
  readonly limit: string;
  readonly all?: boolean;
  readonly cursor?: string;
  readonly count?: boolean;
  readonly sort: keyof typeof SORTS;
  readonly oldestFirst?: boolean;
}
type Page = SkeinOutputs["runs"]["search"];

const SORTS = { created: "createdAt", started: "startedAt", duration: "duration" } as const;
/** As many as the server gives at once. */
const PAGE_MAX = 1_000;

/** `skein runs`: finds runs. */
export const runs = (environment: Environment): Command =>
  withExamples(
    withFilter(inTenant(new Command("runs").description("List runs, newest first; every option narrows the list")))
      .option("--limit <number>", "how many to show", "20")
      .option("--all", "show all of them")
      .option("--cursor <cursor>", "go on where a list before ended; it says how")
      .addOption(new Option("--sort <by>", "what the list is sorted by").choices(Object.keys(SORTS)).default("created"))
      .option("--oldest-first", "turn the order round")
      .option("--count", "say only how many there are in each phase"),
    "skein runs --phase failed --since 2d",
    "skein runs --workflow my.workflow --input x=5 --label team=a",
    "skein runs --all-domains --longer-than 1h --sort duration",
    "skein runs --phase running --all -o name | xargs skein stop",
  ).action(async (options: RunsOptions) => {
    const session = openSession(environment, options);
    const filter = readFilter(session, options);
    if (options.count) return count(session, filter);
    const { client, print } = session;
    const sorted = { sort: SORTS[options.sort], order: options.oldestFirst ? ("asc" as const) : ("desc" as const) };
    const wanted = options.all ? Number.POSITIVE_INFINITY : readWhole(options.limit, "--limit", 1, 1_000_000);
    const found: Page["items"][number][] = [];
    let cursor: string | null = options.cursor ?? null;
    do {
      const limit = Math.min(PAGE_MAX, wanted - found.length);
      const page: Page = await client.runs.search.query({ ...filter, ...sorted, limit, cursor });
      found.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== null && found.length < wanted);
    print.list(found, runView);
    if (cursor !== null) print.note(`There may be more: add --cursor ${cursor}, or --all`);
  });

type Session = ReturnType<typeof openSession>;

async function count({ client, print }: Session, filter: ReturnType<typeof readFilter>): Promise<void> {
  const counted = await client.runs.count.query(filter);
  const phases = Object.entries(counted.phases).map(([phase, runs]) => `${phase}: ${runs}`);
  const total = `${counted.isCut ? "at least " : ""}${counted.total} in all`;
  print.one(
    counted,
    ({ total: all }) => String(all),
    () => [...phases, total].join("\n"),
  );
}
