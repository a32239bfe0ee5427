import { parseArgs } from "node:util";
import { type AdminClient, offerTemplate, openAdminClient, requireKubernetes, startPostgres } from "@skein/testing";
import { type RunningSkein, startSkein } from "../../tests/e2e/src/index.ts";
import { peakMemory, registerDynamic, registerMap, timeDynamic, timeMap } from "./big-cases.ts";
import { bigWorkflow, burst, registerAll, timeRuns } from "./cases.ts";
import { measureIdle } from "./idle.ts";
import { measureLists } from "./lists.ts";
import { median, missedMarks, QUEUES, type QueueKind } from "./marks.ts";
import { measurePods } from "./pods.ts";

type Figures = Readonly<Record<string, number>>;
/** One bench against a running installation. */
type Bench = (skein: RunningSkein, admin: AdminClient) => Promise<Figures>;

/** Against one installation, one after the other. */
const RING_BENCHES: Readonly<Record<string, Bench>> = {
  "chain-40": async (_, admin) => ({ seconds: median(await timeRuns(admin, "bench.chain40", 40, rounds)) }),
  "fan-1000": async (_, admin) => ({ seconds: median(await timeRuns(admin, "bench.fan1000", 1_000, rounds)) }),
  "runs-1000": async ({ url }) => {
    await burst(url, 200, rounds);
    return medians(await inRounds(async (round) => ({ per_second: await burst(url, 1_000, round) })));
  },
};

/** Each against an installation of its own, so that the memory of its processes is this bench's; on Redis. */
const BIG_BENCHES: Readonly<Record<string, Bench>> = {
  "nodes-10000": async (_, admin) => {
    const figures = await inRounds((round) => bigWorkflow(admin, round));
    return medians(figures.map(({ register, run }) => ({ register_seconds: register, seconds: run })));
  },
  "map-1000": async (skein, admin) => {
    await registerMap(admin);
    await timeMap(skein, admin, 1_000);
    return medians(await inRounds(async () => ({ seconds: (await timeMap(skein, admin, 1_000)).seconds })));
  },
  "map-100000": async (skein, admin) => {
    await registerMap(admin);
    return { ...medians([{ ...(await timeMap(skein, admin, 100_000)) }]), ...peakMemory(skein) };
  },
  "dynamic-5000": async (skein, admin) => {
    await registerDynamic(skein, admin);
    const figures = await inRounds(async () => ({ seconds: await timeDynamic(admin) }));
    return { ...medians(figures), ...peakMemory(skein) };
  },
};

const NAMES = [...Object.keys(RING_BENCHES), ...Object.keys(BIG_BENCHES), "lists", "pods", "idle"];
const USAGE = `Measures the marks of ARCHITECTURE.md and prints one JSON object a line.
  --queue redis|postgres   only this queue (may be repeated)
  --bench NAME             only this bench: ${NAMES.join(", ")} (may be repeated)
  --rounds N               figures per bench, of which the median counts (5)`;

const { values } = parseArgs({
  options: {
    queue: { type: "string", multiple: true, default: [...QUEUES] },
    bench: { type: "string", multiple: true, default: NAMES },
    rounds: { type: "string", default: "5" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const rounds = Number(values.rounds);
const missed: string[] = [];

function print(bench: string, queue: QueueKind, figures: Figures): void {
  console.log(JSON.stringify({ bench, queue, ...figures }));
  missed.push(...missedMarks(bench, queue, figures));
}

async function inRounds<T>(measure: (round: number) => Promise<T>): Promise<T[]> {
  const figures: T[] = [];
  for (let round = 0; round < rounds; round++) figures.push(await measure(round));
  return figures;
}

/** The median of each figure. */
const medians = (all: readonly Figures[]): Figures =>
  Object.fromEntries(
    Object.keys(all[0] ?? {}).map((name) => [name, median(all.map((figures) => figures[name] ?? Number.NaN))]),
  );

/** Benches of one queue, against one installation of separate processes. */
async function benchInstallation(queue: QueueKind, benches: Readonly<Record<string, Bench>>): Promise<void> {
  const chosen = Object.entries(benches).filter(([name]) => values.bench.includes(name));
  if (chosen.length === 0) return;
  const skein = await startSkein({
    queue,
    storage: "file",
    apis: 1,
    schedulers: 1,
    agents: 1,
    // The task that writes a workflow copies it from a file of ours, which a sandbox would keep it from.
    env: { SKEIN_LOG_LEVEL: "warn", SKEIN_ISOLATION: "none" },
  });
  try {
    const admin = openAdminClient(skein.url);
    await registerAll(admin);
    for (const [name, bench] of chosen) print(name, queue, await bench(skein, admin));
  } catch (error) {
    console.error(skein.logs().split("\n").slice(-60).join("\n"));
    throw error;
  } finally {
    await skein.close();
  }
}

const postgres = await startPostgres({ durable: true });
const template = await offerTemplate(postgres.url);
try {
  if (values.bench.includes("lists") && values.queue.includes("postgres")) {
    print("lists", "postgres", { ...(await measureLists()) });
  }
  for (const queue of QUEUES.filter((kind) => values.queue.includes(kind))) {
    await benchInstallation(queue, RING_BENCHES);
    if (queue !== "redis") continue;
    for (const [name, bench] of Object.entries(BIG_BENCHES)) await benchInstallation(queue, { [name]: bench });
    if (values.bench.includes("pods") && requireKubernetes()) print("pods", queue, await measurePods(rounds));
  }
} finally {
  await template.close();
  await postgres.close();
}
if (values.bench.includes("idle") && values.queue.includes("postgres")) {
  const figures = await inRounds(async () => ({ rss_mib: await measureIdle() }));
  print("idle", "postgres", medians(figures));
}
for (const sentence of missed) console.error(`Missed: ${sentence}`);
process.exitCode = missed.length > 0 ? 1 : 0;
