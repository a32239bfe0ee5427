import {
  countRuns,
  type Db,
  type ListCondition,
  listRuns,
  type RunField,
  type RunFilter,
  type RunSearch,
  searchRuns,
} from "@skein/db";
import type pg from "pg";
import type { SeededRuns } from "./seed-runs.ts";

/** One list or search that people ask for, over the runs of `seedRuns`. */
interface ListCase {
  readonly name: string;
  /** How many rows it must answer; a number of its own for each. */
  readonly rows: number;
  ask(db: Db): Promise<readonly unknown[]>;
}

/** What a database did to answer one. */
interface ListPlan {
  readonly rows: number;
  /** Plan and run, as Postgres measures them. */
  readonly milliseconds: number;
  /** Each way to rows: `Index Only Scan runs_newest_idx`, `Seq Scan workflows`. */
  readonly scans: readonly string[];
}

type Condition = ListCondition<RunField>;

const eq = (field: RunField, value: string): Condition => ({ field, operator: "eq", values: [value] });
const NEWEST = { field: "createdAt", descending: true } as const;
const ACTIVE = eq("state", "active");
const LIMIT = 100;

interface Seeding {
  readonly seeded: SeededRuns;
  /** How many runs were seeded. */
  readonly count: number;
  /** A moment at which the oldest twentieth of them had been created. */
  readonly old: Date;
}

/** Every filter and order, at the first page and deep in the list. `count` is how many runs were seeded. */
export function listCases(seeded: SeededRuns, count: number): ListCase[] {
  const old = new Date(Date.UTC(2026, 0, 1) + count * 0.05 * 97_000);
  const seeding = { seeded, count, old };
  return [...flyteCases(seeding), ...pageCases(seeding), ...filterCases(seeding), ...countCases(seeding)];
}

/** Flyte's own list, whose pages are offsets. */
function flyteCases({ seeded: { project, launchPlan, oldVersion }, count }: Seeding): ListCase[] {
  const scope = [eq("project", project), eq("domain", "development"), ACTIVE];
  const flyte = (name: string, conditions: Condition[], offset = 0, isNewestFirst = true): ListCase => ({
    name: `ListExecutions: ${name}`,
    rows: LIMIT,
    ask: (db) => {
      const sort = isNewestFirst ? NEWEST : undefined;
      return listRuns(db, { where: [...scope, ...conditions], sort, limit: LIMIT, offset });
    },
  });
  const ofOldVersion = [eq("phase", "succeeded"), eq("launchPlanVersion", oldVersion)];
  return [
    flyte("newest", []),
    flyte("oldest", [], 0, false),
    flyte("offset of half the runs", [], Math.floor(count / 2)),
    flyte("failed", [eq("phase", "failed")]),
    flyte("one workflow", [eq("workflowName", launchPlan)]),
    flyte("succeeded of an old version, deep", ofOldVersion, Math.floor(count / 25)),
  ];
}

const search = ({ seeded: { project } }: Seeding, name: string, change: Partial<RunSearch>, rows = LIMIT): ListCase => {
  const filter = { project, domain: undefined, where: [ACTIVE], inputs: [], labels: [] };
  const page = { sort: "createdAt", descending: true, after: undefined, limit: LIMIT } as const;
  return { name: `search: ${name}`, rows, ask: (db) => searchRuns(db, { ...filter, ...page, ...change }) };
};

function pageCases(seeding: Seeding): ListCase[] {
  const behind = { value: seeding.old, id: "00000000-0000-0000-0000-000000000000" };
  return [
    search(seeding, "newest of all domains", {}),
    search(seeding, "far behind the newest", { after: behind }),
    search(seeding, "oldest", { descending: false }),
    search(seeding, "longest", { sort: "duration" }),
    search(seeding, "far behind the longest", { sort: "duration", after: { ...behind, value: 300 } }),
    search(seeding, "started last", { sort: "startedAt" }),
  ];
}

function filterCases(seeding: Seeding): ListCase[] {
  const { old, seeded } = seeding;
  const { launchPlan, oldVersion, uniqueInput, rareInput } = seeded;
  const by = (name: string, conditions: Condition[], rows?: number) =>
    search(seeding, name, { where: [ACTIVE, ...conditions] }, rows);
  const input = (name: string, key: string, value: string | number | boolean, rows?: number) =>
    search(seeding, name, { inputs: [{ name: key, operator: "eq", values: [value] }] }, rows);
  const label = (name: string, value: string, rows?: number) =>
    search(seeding, name, { labels: [{ key: "team", value }] }, rows);
  const nextDay = new Date(old.getTime() + 86_400_000);
  return [
    by("failed or aborted", [{ field: "phase", operator: "in", values: ["failed", "aborted"] }]),
    by("running", [eq("phase", "running")], 40),
    by("one error", [eq("errorCode", "Code6")]),
    by("an error that nobody had", [eq("errorCode", "None")], 0),
    by("an old version of a launch plan", [eq("launchPlanName", launchPlan), eq("launchPlanVersion", oldVersion)]),
    by("one principal", [eq("principal", "user7")]),
    by("nobody's", [eq("principal", "nobody")], 0),
    by("scheduled", [eq("mode", "scheduled")]),
    by("longer than most", [{ field: "duration", operator: "gte", values: [1_650] }]),
    by("within a day", [
      { field: "createdAt", operator: "gte", values: [old] },
      { field: "createdAt", operator: "lt", values: [nextDay] },
    ]),
    by("a rare tag", [eq("tag", "rare")]),
    label("a label that only one domain has", "team3"),
    label("a label that nobody has", "none", 0),
    input("an input that one run has", "i", uniqueInput, 1),
    input("an input that few have", "few", rareInput, 50),
    input("an input that half have", "flag", true),
    input("an input that nobody has", "few", "none", 0),
    search(seeding, "an input in a range", { inputs: [{ name: "i", operator: "lt", values: [10_000] }] }),
  ];
}

function countCases({ seeded: { project, launchPlan } }: Seeding): ListCase[] {
  const counted = (name: string, change: Partial<RunFilter>, phases: number): ListCase => ({
    name: `count: ${name}`,
    rows: phases,
    ask: async (db) => {
      const filter = { project, domain: undefined, where: [ACTIVE], inputs: [], labels: [], ...change };
      return Object.keys((await countRuns(db, filter, 100_000)).phases);
    },
  });
  return [
    counted("all", {}, 4),
    counted("one domain", { domain: "development" }, 4),
    counted("one workflow", { where: [ACTIVE, eq("workflowName", launchPlan)] }, 2),
  ];
}

/** What Postgres does for a case; its time is the best of three, so that what else the machine does is left out. */
export async function explainList(db: Db, { ask }: ListCase): Promise<ListPlan> {
  const rows = (await ask(db)).length;
  const asked = await recordQueries(db.$client, () => ask(db));
  const plans: Plan[][] = [];
  for (let round = 0; round < 3; round++)
    plans.push(await Promise.all(asked.map((query) => explain(db.$client, query))));
  const times = plans.map((round) =>
    round.reduce((sum, plan) => sum + plan["Execution Time"] + plan["Planning Time"], 0),
  );
  const scans = new Set((plans[0] ?? []).flatMap((plan) => scansOf(plan.Plan)));
  return { rows, milliseconds: Math.min(...times), scans: [...scans].sort() };
}

interface Query {
  readonly text: string;
  readonly values: unknown[];
}
interface Plan {
  readonly "Execution Time": number;
  readonly "Planning Time": number;
  readonly Plan: PlanNode;
}
interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly Plans?: readonly PlanNode[];
}

/** The statements that some work sends through the pool. */
async function recordQueries(pool: pg.Pool, work: () => Promise<unknown>): Promise<Query[]> {
  const asked: Query[] = [];
  const { query } = pool;
  pool.query = ((config: pg.QueryConfig, values?: unknown[]) => {
    asked.push({ text: config.text, values: values ?? config.values ?? [] });
    return Reflect.apply(query, pool, values === undefined ? [config] : [config, values]);
  }) as typeof pool.query;
  try {
    await work();
  } finally {
    pool.query = query;
  }
  return asked;
}

async function explain(pool: pg.Pool, { text, values }: Query): Promise<Plan> {
  const { rows } = await pool.query<{ "QUERY PLAN": [Plan] }>(
    `explain (analyze, timing off, format json) ${text}`,
    values,
  );
  const [plan] = rows[0]?.["QUERY PLAN"] ?? [];
  if (!plan) throw new Error(`Postgres explains nothing of ${text}`);
  return plan;
}

function scansOf(node: PlanNode): string[] {
  const name = node["Index Name"] ?? node["Relation Name"];
  const own = name !== undefined && node["Node Type"].includes("Scan") ? [`${node["Node Type"]} ${name}`] : [];
  return [...own, ...(node.Plans ?? []).flatMap(scansOf)];
}
