-- What drizzle-kit cannot say: partitions, functions, storage parameters.

create sequence event_history_id_seq;
--> statement-breakpoint
create table event_history (
  id bigint not null default nextval('event_history_id_seq'),
  run_id uuid not null,
  event jsonb not null,
  applied_at timestamptz(3) not null default now()
) partition by range (applied_at);
--> statement-breakpoint
alter sequence event_history_id_seq owned by event_history.id;
--> statement-breakpoint
create index event_history_run_idx on event_history (run_id, id);
--> statement-breakpoint
create table event_history_default partition of event_history default;
--> statement-breakpoint

-- Makes the partition of the month (UTC) that holds `day`, and moves in what the default partition has of it: Postgres
-- refuses a new partition while the default one holds rows that belong to it.
create function ensure_event_history_partition(day date) returns void language plpgsql as $$
declare
  first_day date := date_trunc('month', day)::date;
  name text := 'event_history_' || to_char(first_day, 'YYYY_MM');
  starts timestamptz := first_day::timestamp at time zone 'utc';
  ends timestamptz := (first_day + interval '1 month') at time zone 'utc';
begin
  if to_regclass(name) is not null then
    return;
  end if;
  lock table event_history in share update exclusive mode;
  if to_regclass(name) is not null then
    return;
  end if;
  lock table event_history_default in access exclusive mode;
  execute format('create table %I (like event_history including defaults)', name);
  execute format(
    'with moved as (delete from event_history_default where applied_at >= $1 and applied_at < $2 returning *)
     insert into %I select * from moved', name) using starts, ends;
  execute format('alter table event_history attach partition %I for values from (%L) to (%L)', name, starts, ends);
end $$;
--> statement-breakpoint

-- Ends the whole statement unless the versions are equal: the scheduler's commit is one statement of many parts, and
-- all of them must go when another scheduler advanced the run in between.
create function fence(expected integer, actual integer) returns boolean language plpgsql as $$
begin
  if actual is distinct from expected then
    raise exception using
      errcode = 'serialization_failure',
      message = format('the run is at version %s, not at %s: another scheduler advanced it', coalesce(actual::text, 'none'), expected);
  end if;
  return true;
end $$;
--> statement-breakpoint

-- Rows of running work change in place several times: room on the page lets Postgres leave the indexes alone.
alter table runs set (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
--> statement-breakpoint
alter table actions set (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
--> statement-breakpoint
alter table attempts set (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
--> statement-breakpoint
-- These are nearly empty between bursts; their dead rows must not wait for a share of the table.
alter table events set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
--> statement-breakpoint
alter table commands set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
--> statement-breakpoint
alter table claims set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
--> statement-breakpoint
alter table timers set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
--> statement-breakpoint
alter table shards set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
--> statement-breakpoint
alter table agents set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
