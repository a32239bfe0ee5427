import { parseArgs } from "node:util";
import { offerTemplate, openAdminClient, startPostgres } from "@skein/testing";
import { startSkein } from "../../tests/e2e/src/index.ts";
import { bigWorkflow, burst, registerAll, timeRuns } from "./cases.ts";
import { measureIdle } from "./idle.ts";
import { median, missedMarks, QUEUES, type QueueKind } from "./marks.ts";

const USAGE = `Measures the marks of ARCHITECTURE.md and prints one JSON object a line.
  --queue redis|postgres   only this queue (may be repeated)
  --bench NAME             only this bench: chain-40, fan-1000, runs-1000, nodes-10000, idle (may be repeated)
  --rounds N               figures per bench, of which the median counts (5)`;

const { values } = parseArgs({
  options: {
    queue: { type: "string", multiple: true, default: [...QUEUES] },
    bench: {
      type: "string",
      multiple: true,
      default: ["chain-40", "fan-1000", "runs-1000", "nodes-10000", "idle"],
    },
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

function print(bench: string, queue: QueueKind, figures: Record<string, number>): void {
  console.log(JSON.stringify({ bench, queue, ...figures }));
  missed.push(...missedMarks(bench, queue, figures));
}

const inRounds = async (measure: (round: number) => Promise<number>): Promise<number[]> => {
  const figures: number[] = [];
  for (let round = 0; round < rounds; round++) figures.push(await measure(round));
  return figures;
};

/** All benches of one queue, against one installation of separate processes. */
async function benchQueue(queue: QueueKind, benches: ReadonlySet<string>): Promise<void> {
  const skein = await startSkein({
    queue,
    storage: "file",
    apis: 1,
    schedulers: 1,
    agents: 1,
    env: { SKEIN_LOG_LEVEL: "warn" },
  });
  try {
    const admin = openAdminClient(skein.url);
    await registerAll(admin);
    if (benches.has("chain-40")) {
      print("chain-40", queue, { seconds: median(await timeRuns(admin, "bench.chain40", 40, rounds)) });
    }
    if (benches.has("fan-1000")) {
      print("fan-1000", queue, { seconds: median(await timeRuns(admin, "bench.fan1000", 1_000, rounds)) });
    }
    if (benches.has("runs-1000")) {
      await burst(skein.url, 200, rounds);
      print("runs-1000", queue, { per_second: median(await inRounds((round) => burst(skein.url, 1_000, round))) });
    }
    if (benches.has("nodes-10000") && queue === "redis") {
      const figures = { register: [] as number[], run: [] as number[] };
      for (let round = 0; round < rounds; round++) {
        const { register, run } = await bigWorkflow(admin, round);
        figures.register.push(register);
        figures.run.push(run);
      }
      print("nodes-10000", queue, { register_seconds: median(figures.register), seconds: median(figures.run) });
    }
  } catch (error) {
    console.error(skein.logs().split("\n").slice(-60).join("\n"));
    throw error;
  } finally {
    await skein.close();
  }
}

const benches = new Set(values.bench);
const ringBenches = new Set([...benches].filter((bench) => bench !== "idle"));
const postgres = await startPostgres({ durable: true });
const template = await offerTemplate(postgres.url);
try {
  for (const queue of QUEUES.filter((kind) => values.queue.includes(kind))) {
    if (ringBenches.size > 0) await benchQueue(queue, ringBenches);
  }
} finally {
  await template.close();
  await postgres.close();
}
if (benches.has("idle") && values.queue.includes("postgres")) {
  print("idle", "postgres", { rss_mib: median(await inRounds(measureIdle)) });
}
for (const sentence of missed) console.error(`Missed: ${sentence}`);
process.exitCode = missed.length > 0 ? 1 : 0;
