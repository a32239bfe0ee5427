import { randomUUID } from "node:crypto";
import { insertBackfill, type NewBackfill } from "@skein/db";
import type { RunStarter } from "@skein/launch";
import { type SeededRandom, TEST_TENANT } from "@skein/testing";
import type { ScheduleWorld } from "./test-schedules.ts";

export const MINUTE_MS = 60_000;

/** What the api does: a backfill of one tick a minute. Answers its id. */
export async function backfillMinutes(
  world: ScheduleWorld,
  name: string,
  minutes: { readonly from: number; readonly count: number },
  more: Partial<NewBackfill> = {},
): Promise<string> {
  const { rows } = await world.database.pool.query<{ id: string }>(
    "select id from launch_plans where name = $1 order by id desc",
    [name],
  );
  const id = randomUUID();
  const moments = Array.from({ length: minutes.count }, (_, at) => new Date((minutes.from + at) * MINUTE_MS));
  const [fromAt = new Date(), toAt = fromAt] = [moments[0], moments.at(-1)];
  const backfill = {
    id,
    ...TEST_TENANT,
    name,
    launchPlanId: Number(rows[0]?.id),
    definition: { kind: "cron", expression: "* * * * *", dialect: "unix", offsetMs: 0 } as const,
    timeZone: "UTC",
    kickoffInput: "t",
    fromAt,
    toAt,
    order: "oldest" as const,
    maxParallel: 10,
    overwriteCache: false,
    again: false,
    createdBy: "somebody",
  };
  await insertBackfill(world.database.db, { ...backfill, ...more }, moments);
  return id;
}

/** A backfill's phase, and how many of its ticks came to what. */
export async function stateOf(world: ScheduleWorld, id: string): Promise<Record<string, string | number>> {
  const { pool } = world.database;
  const phases = await pool.query<{ phase: string }>("select phase from backfills where id = $1", [id]);
  const { rows } = await pool.query<{ outcome: string; count: number }>(
    "select outcome, count(*)::int from schedule_ticks where backfill_id = $1 group by outcome",
    [id],
  );
  return {
    phase: phases.rows[0]?.phase ?? "",
    ...Object.fromEntries(rows.map(({ outcome, count }) => [outcome, count])),
  };
}

/** Dies now and then right after it has started a run, before it could write so. */
export const dyingStarter =
  (random: SeededRandom) =>
  (startRun: RunStarter): RunStarter =>
  async (launch) => {
    const outcome = await startRun(launch);
    if (random.below(6) === 0) throw new Error("the scheduler died");
    return outcome;
  };

/** Two schedulers that die and come back launch all of a backfill, while its runs end; it is stopped and resumed on the way. */
export async function driveToTheEnd(
  world: ScheduleWorld,
  { name, id, random, atOnce }: { name: string; id: string; random: SeededRandom; atOnce: number },
  stopAndGo: () => Promise<void>,
): Promise<void> {
  for (let round = 0; (await stateOf(world, id)).phase !== "done"; round++) {
    if (round > 2_000) throw new Error(`the backfill does not end: ${JSON.stringify(await stateOf(world, id))}`);
    const both = [world.tools(0, dyingStarter(random)), world.tools(0, dyingStarter(random))];
    await Promise.all(both.map((tools) => world.round(tools)));
    const { rows } = await world.database.pool.query<{ count: number }>(
      `select count(*)::int from runs r join launch_plans p on p.id = r.launch_plan_id
       where p.name = $1 and r.phase = 'queued'`,
      [name],
    );
    if ((rows[0]?.count ?? 0) > atOnce) throw new Error(`${rows[0]?.count} runs go on at once`);
    if (round === 3) await stopAndGo();
    await world.endRuns(name);
    world.nowMs += 15_000;
  }
}
