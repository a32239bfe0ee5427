import type pg from "pg";

export interface SeededRuns {
  readonly project: string;
  /** A launch plan of which every version has runs, and one of its old versions. */
  readonly launchPlan: string;
  readonly oldVersion: string;
  /** An input value that one run has, and that few have. */
  readonly uniqueInput: number;
  readonly rareInput: string;
}

const PROJECT = "seeded";

/**
 * Fills a project with runs that nobody ever ran, by SQL, as months of use would leave them: three domains, twenty
 * workflows of ten versions each with a launch plan, nine in ten succeeded, one in a thousand with a rare tag.
 */
export async function seedRuns(pool: pg.Pool, count: number): Promise<SeededRuns> {
  const statements = [
    `insert into projects (id, name, labels) values ('${PROJECT}', '${PROJECT}', '')`,
    `insert into domains (id, name) select d, d from unnest(array['development', 'staging', 'production']) d
     on conflict do nothing`,
    `insert into workflows (project, domain, name, version, digest, interface, spec, compiled)
     select '${PROJECT}', 'development', 'workflow.number' || w, 'v' || v, sha256((w || '/' || v)::bytea), '', '', ''
     from generate_series(0, 19) w, generate_series(0, 9) v`,
    `insert into launch_plans (project, domain, name, version, workflow_id, digest, spec, closure)
     select project, domain, name, version, id, digest, '', '' from workflows where project = '${PROJECT}'`,
    `insert into runs (id, project, domain, name, shard, phase, state, mode, principal, launch_plan_id, workflow_id, spec,
                       found_inputs, error_code, error_message, error_kind, created_at, started_at, ended_at)
     select gen_random_uuid(), '${PROJECT}',
            (array['development', 'development', 'development', 'staging', 'production'])[1 + i % 5], 'seeded' || i, i % 8,
            s.phase::run_phase, (case when i % 50 = 0 then 'archived' else 'active' end)::run_state,
            (case when i % 10 = 0 then 'scheduled' else 'manual' end)::run_mode, 'user' || i % 40, l.id, l.workflow_id,
            sha512(i::text::bytea) || sha512((i || 'b')::bytea) || sha512((i || 'c')::bytea),
            jsonb_build_object('i', i, 'few', 'value ' || i % 2000, 'flag', i % 2 = 0),
            case when s.phase = 'failed' then 'Code' || i % 7 end, case when s.phase = 'failed' then 'It broke.' end,
            (case when s.phase = 'failed' then 'user' end)::error_kind, s.at,
            case when s.phase <> 'queued' then s.at + interval '1 second' end,
            case when s.phase in ('succeeded', 'failed', 'aborted') then s.at + (1 + i % 977) * interval '1.7 seconds' end
     from generate_series(0, ${count - 1}) i
     cross join lateral (
       select case when i >= ${count - 40} then 'running' when i % 1000 = 7 then 'aborted' when i % 30 = 0 then 'failed'
              else 'succeeded' end as phase,
              '2026-01-01'::timestamptz + i * interval '97 seconds' as at) s
     -- Versions follow each other: the first tenth of the runs has the first.
     join launch_plans l on l.project = '${PROJECT}' and l.name = 'workflow.number' || i % 20
       and l.version = 'v' || (i * 10 / ${count})`,
    `insert into run_tags (run_id, tag, value) select id, 'team', 'team' || right(name, 1) from runs where project = '${PROJECT}'`,
    `insert into run_tags (run_id, tag) select id, 'rare' from runs where project = '${PROJECT}' and name like '%345'`,
  ];
  for (const statement of statements) await pool.query(statement);
  // What Postgres does by itself, sooner or later.
  await pool.query("vacuum analyze runs, run_tags, launch_plans, workflows");
  return {
    project: PROJECT,
    launchPlan: "workflow.number1",
    oldVersion: "v1",
    uniqueInput: Math.floor(count / 3),
    rareInput: "value 345",
  };
}
