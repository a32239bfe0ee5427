import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { setLaunchPlanState, type VersionId } from "@skein/db";
import {
  type ExecutionSpec,
  ExecutionSpecSchema,
  LaunchPlanClosureSchema,
  LaunchPlanSpecSchema,
} from "@skein/idl/admin";
import { SimpleType } from "@skein/idl/core";
import { type RunStarter, runStarter } from "@skein/launch";
import { plannedSchedule } from "@skein/schedule";
import { openStorage, type Storage } from "@skein/storage";
import { openLogger } from "@skein/telemetry";
import {
  createTempFolder,
  createTestDatabase,
  insertLaunchPlan,
  insertProject,
  insertWorkflow,
  TEST_TENANT,
  type TestDatabase,
} from "@skein/testing";
import { tickLauncher } from "./launch-tick.ts";
import type { ScheduleTools } from "./schedule-tools.ts";
import { schedulesRound } from "./schedules-round.ts";

type PlanSpec = Exclude<MessageInitShape<typeof LaunchPlanSpecSchema>, { $typeName: string }>;
export type Schedule = NonNullable<NonNullable<PlanSpec["entityMetadata"]>["schedule"]>;

export const cron = (schedule: string): Schedule => ({
  ScheduleExpression: { case: "cronSchedule", value: { schedule } },
});
export const everyMinutes = (value: number): Schedule => ({
  ScheduleExpression: { case: "rate", value: { value, unit: 0 } },
});

/** A run of a tick. */
export interface TickRun {
  readonly id: string;
  readonly name: string;
  readonly mode: string;
  readonly principal: string;
  readonly spec: ExecutionSpec;
  readonly inputs: Buffer;
}

/** A database, launch plans with schedules, and a clock that only the test moves. */
export class ScheduleWorld {
  nowMs = Date.parse("2026-10-24T18:00:00Z");
  readonly database: TestDatabase;
  readonly #storage: Storage;
  readonly #workflowId: number;

  readonly #folder: ReturnType<typeof createTempFolder>;

  constructor(
    database: TestDatabase,
    storage: Storage,
    workflowId: number,
    folder: ReturnType<typeof createTempFolder>,
  ) {
    this.#folder = folder;
    this.database = database;
    this.#storage = storage;
    this.#workflowId = workflowId;
  }

  /** Registers a version of a launch plan that takes the moment as `t`. */
  async register(
    name: string,
    schedule: Schedule | undefined,
    annotations: Record<string, string> = {},
    version = "v1",
  ): Promise<VersionId> {
    const type = { type: { case: "simple", value: SimpleType.DATETIME } } as const;
    const t = { var: { type }, behavior: { case: "required", value: true } } as const;
    const values = Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`skein.dev/${key}`, value]));
    const spec = create(LaunchPlanSpecSchema, {
      defaultInputs: { parameters: { t } },
      annotations: { values },
      ...(schedule ? { entityMetadata: { schedule: { ...schedule, kickoffTimeInputArg: "t" } } } : {}),
    });
    await insertLaunchPlan(this.database.pool, this.#workflowId, {
      name,
      version,
      schedule_type: plannedSchedule(spec)?.definition.kind ?? "none",
      spec: toBinary(LaunchPlanSpecSchema, spec),
      closure: toBinary(
        LaunchPlanClosureSchema,
        create(LaunchPlanClosureSchema, { expectedInputs: { parameters: { t } } }),
      ),
    });
    await this.database.pool.query(
      `insert into named_entities (resource_type, project, domain, name) values ('launch_plan', $1, $2, $3) on conflict do nothing`,
      [TEST_TENANT.project, TEST_TENANT.domain, name],
    );
    return { ...TEST_TENANT, name, version };
  }

  /** What the api does when somebody activates or deactivates a version. */
  async setState(id: VersionId, state: "active" | "inactive"): Promise<void> {
    const { rows } = await this.database.pool.query<{ spec: Buffer }>(
      "select spec from launch_plans where name = $1 and version = $2",
      [id.name, id.version],
    );
    const schedule = plannedSchedule(fromBinary(LaunchPlanSpecSchema, rows[0]?.spec ?? Buffer.alloc(0)));
    const change = { schedule, changedBy: "somebody", at: new Date(this.nowMs) };
    await setLaunchPlanState(this.database.db, id, state, change);
  }

  async activate(name: string, schedule: Schedule, annotations: Record<string, string> = {}, version = "v1") {
    const id = await this.register(name, schedule, annotations, version);
    await this.setState(id, "active");
    return id;
  }

  /** A scheduler that has just started. Its clock may be wrong, and what starts runs may be broken. */
  tools(skewMs = 0, wrap: (startRun: RunStarter) => RunStarter = (startRun) => startRun): ScheduleTools {
    const { pool, db } = this.database;
    return {
      pool,
      db,
      notifier: { notify: () => undefined },
      logger: openLogger({ name: "test", level: "silent" }),
      ownedShards: () => [0],
      launch: tickLauncher(pool, wrap(runStarter(pool, this.#storage))),
      now: () => this.nowMs + skewMs,
    };
  }

  /** Rounds of a scheduler that has just started, until there is no more to do at once. */
  async round(tools: ScheduleTools = this.tools()): Promise<void> {
    const once = schedulesRound({ ...tools, setAlarm: () => undefined });
    while (await once());
  }

  /** Lets time pass, with a round at the end. */
  async pass(minutes: number): Promise<void> {
    this.nowMs += minutes * 60_000;
    await this.round();
  }

  /** The runs of a launch plan's ticks, by the moment that they were started for. */
  async runsOf(name: string): Promise<TickRun[]> {
    const { rows } = await this.database.pool.query<Omit<TickRun, "spec"> & { spec: Buffer }>(
      `select r.id, r.name, r.mode, r.principal, r.spec, i.data as inputs
       from runs r join launch_plans p on p.id = r.launch_plan_id join run_inputs i on i.run_id = r.id
       where p.name = $1`,
      [name],
    );
    const runs = rows.map((row) => ({ ...row, spec: fromBinary(ExecutionSpecSchema, row.spec) }));
    return runs.sort((a, b) => momentOf(a) - momentOf(b));
  }

  /** The moments for which runs were started, sorted, also those that were started twice. */
  async firedOf(name: string): Promise<number[]> {
    return (await this.runsOf(name)).map(momentOf);
  }

  /** What came of the ticks, oldest first, such as `18:05 launched`. */
  async ticksOf(name: string): Promise<string[]> {
    const { rows } = await this.database.pool.query<{ fire_at: Date; outcome: string }>(
      "select fire_at, outcome from schedule_ticks where name = $1 order by fire_at, id",
      [name],
    );
    return rows.map(({ fire_at, outcome }) => `${fire_at.toISOString().slice(11, 16)} ${outcome}`);
  }

  async endRuns(name: string, phase = "succeeded"): Promise<void> {
    await this.database.pool.query(
      `update runs r set phase = $2::run_phase, ended_at = now() from launch_plans p
       where p.id = r.launch_plan_id and p.name = $1 and r.phase not in ('succeeded', 'failed', 'aborted')`,
      [name, phase],
    );
  }

  async close(): Promise<void> {
    await this.#storage.close();
    await this.database.close();
    await this.#folder.close();
  }
}

export const momentOf = ({ spec }: TickRun): number => {
  const at = spec.metadata?.scheduledAt;
  return at ? timestampDate(at).getTime() : Number.NaN;
};

export async function openScheduleWorld(): Promise<ScheduleWorld> {
  const database = await createTestDatabase();
  await insertProject(database.pool);
  const workflowId = await insertWorkflow(database.pool);
  const folder = createTempFolder("schedule-values");
  return new ScheduleWorld(database, await openStorage({ uri: `file://${folder.path}` }), workflowId, folder);
}
