import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type AdminClient,
  bindInteger,
  bindTo,
  commandTask,
  echoTask,
  futuresOf,
  integerInterface,
  mapWorkflowOf,
  register,
  TEST_TENANT,
  taskNode,
  workflowOf,
} from "@skein/testing";
import type { RunningSkein, SkeinProcess } from "../../tests/e2e/src/index.ts";
import { timeRun } from "./cases.ts";
import { verifyChildren, verifyList } from "./verify.ts";

const TASK = echoTask("bench.echo");
const CHAINS = 100;
const STEPS = 50;
const X = 42;

/** The most memory that each kind of process has held so far, in MiB. */
export interface PeakMemory {
  readonly scheduler_rss_mib: number;
  readonly api_rss_mib: number;
  readonly agent_rss_mib: number;
}

const peakOf = (process: SkeinProcess | undefined): number => {
  const status = readFileSync(`/proc/${process?.pid()}/status`, "utf8");
  return Math.round(Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) / 1024);
};

/** Peaks of an installation of one process each. */
export const peakMemory = ({ schedulers, apis, agents }: RunningSkein): PeakMemory => ({
  scheduler_rss_mib: peakOf(schedulers[0]),
  api_rss_mib: peakOf(apis[0]),
  agent_rss_mib: peakOf(agents[0]),
});

/** What a map cost: as a whole, and for each item of the first and of the last fifth. */
export interface MapFigures {
  readonly seconds: number;
  readonly early_us: number;
  readonly late_us: number;
  readonly late_to_early: number;
}

/** Registers a workflow that maps the echo task, which is registered already, over a list. */
export const registerMap = (admin: AdminClient): Promise<void> =>
  register(admin, [], [mapWorkflowOf("bench.map", TASK)]);

/** Maps the echo task over `items` integers, one item after the other in a moving window. */
export async function timeMap(skein: RunningSkein, admin: AdminClient, items: number): Promise<MapFigures> {
  const x = Array.from({ length: items }, (_, index) => index * 3);
  const { seconds, name } = await timeRun(admin, "bench.map", { x });
  await verifyList(admin, name, x);
  const { rows } = await skein.database.pool.query<{ items: number; early: number; late: number }>(
    `with items as (
       select extract(epoch from a.ended_at)::float8 as ended, row_number() over (order by a.ended_at) as place, count(*) over () as count
       from actions a join runs r on r.id = a.run_id
       where r.project = $1 and r.domain = $2 and r.name = $3 and a.item_index is not null and a.phase = 'succeeded'
     )
     select max(count)::int as items, max(ended) filter (where place <= count / 5) - min(ended) as early,
       max(ended) - min(ended) filter (where place > count - count / 5) as late
     from items`,
    [TEST_TENANT.project, TEST_TENANT.domain, name],
  );
  const [row] = rows;
  if (row?.items !== items) throw new Error(`run ${name} has ${row?.items} items that succeeded, expected ${items}`);
  const each = (fifth: number) => Math.round((fifth / (items / 5)) * 1e6);
  const late_to_early = Number((row.late / row.early).toFixed(2));
  return { seconds, early_us: each(row.early), late_us: each(row.late), late_to_early };
}

/** Registers a task that writes a workflow of 5,000 nodes, 100 chains of 50, and a workflow around it. */
export async function registerDynamic(skein: RunningSkein, admin: AdminClient): Promise<void> {
  const nodes = Array.from({ length: CHAINS }, (_, chain) =>
    Array.from({ length: STEPS }, (_, step) => {
      const input = step === 0 ? bindInteger("x", X) : bindTo("x", `c${chain}s${step - 1}`, "x");
      return taskNode(`c${chain}s${step}`, TASK, [input]);
    }),
  ).flat();
  const file = join(skein.folder, "futures.pb");
  writeFileSync(file, futuresOf(nodes, [TASK], [bindTo("x", `c0s${STEPS - 1}`, "x")]));
  const task = commandTask("bench.expand", ["cp", file, "{{.outputPrefix}}/futures.pb"], { outputs: ["x"] });
  const io = integerInterface([], ["x"]);
  await register(admin, [task], [workflowOf("bench.dynamic", [taskNode("n0", task)], io, [bindTo("x", "n0", "x")])]);
}

/** Runs the task that writes a workflow of 5,000 nodes. */
export async function timeDynamic(admin: AdminClient): Promise<number> {
  const { seconds, name } = await timeRun(admin, "bench.dynamic", {});
  await verifyChildren(admin, name, "n0", CHAINS * STEPS, BigInt(X));
  return seconds;
}
