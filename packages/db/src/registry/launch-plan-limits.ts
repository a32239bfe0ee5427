import type pg from "pg";
import type { WhenFull } from "../runs/limited-launch.ts";
import type { NameId } from "./identity.ts";

/** What people decided about all versions of a launch plan. */
export interface LaunchPlanLimit extends NameId {
  /** How many unfinished runs there may be; 0 for any number. */
  readonly runsMax: number;
  readonly whenFull: WhenFull;
}

const COLUMNS = `project, domain, name, runs_max as "runsMax", when_full as "whenFull"`;

/** All of them: there are few, and a launch must not ask for its own. */
export async function readLaunchPlanLimits(db: pg.Pool): Promise<LaunchPlanLimit[]> {
  const { rows } = await db.query<LaunchPlanLimit>({
    name: "read-launch-plan-limits",
    text: `select ${COLUMNS} from launch_plan_limits`,
  });
  return rows;
}

/** Undefined where the versions decide themselves. */
export async function findLaunchPlanLimit(db: pg.Pool, id: NameId): Promise<LaunchPlanLimit | undefined> {
  const { rows } = await db.query<LaunchPlanLimit>(
    `select ${COLUMNS} from launch_plan_limits where project = $1 and domain = $2 and name = $3`,
    [id.project, id.domain, id.name],
  );
  return rows[0];
}

/** Decides about all versions; in place of what was decided before. False when there is no such launch plan. */
export async function setLaunchPlanLimit(db: pg.Pool, limit: LaunchPlanLimit, updatedBy: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into launch_plan_limits (project, domain, name, runs_max, when_full, updated_by)
     select project, domain, name, $4, $5, $6 from named_entities
     where resource_type = 'launch_plan' and project = $1 and domain = $2 and name = $3
     on conflict (project, domain, name) do update
     set runs_max = excluded.runs_max, when_full = excluded.when_full, updated_by = excluded.updated_by, updated_at = now()`,
    [limit.project, limit.domain, limit.name, limit.runsMax, limit.whenFull, updatedBy],
  );
  return rowCount === 1;
}

/** Lets the versions decide themselves again. False when they did already. */
export async function deleteLaunchPlanLimit(db: pg.Pool, id: NameId): Promise<boolean> {
  const { rowCount } = await db.query(
    "delete from launch_plan_limits where project = $1 and domain = $2 and name = $3",
    [id.project, id.domain, id.name],
  );
  return rowCount === 1;
}
