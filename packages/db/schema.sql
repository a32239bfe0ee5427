-- What the migrations make, read from a migrated database. `npm run bless` writes this file.

create type action_kind as enum ('start', 'end', 'task', 'workflow', 'branch', 'gate', 'array', 'launch_plan');

create type action_phase as enum ('queued', 'running', 'succeeded', 'failing', 'failed', 'aborting', 'aborted', 'skipped');

create type attempt_phase as enum ('queued', 'running', 'succeeded', 'failed', 'aborting', 'aborted');

create type attribute_type as enum ('task_resource', 'cluster_resource', 'execution_queue', 'execution_cluster_label', 'quality_of_service_specification', 'plugin_override', 'workflow_execution_config', 'cluster_assignment');

create type backfill_order as enum ('oldest', 'newest');

create type backfill_phase as enum ('running', 'paused', 'cancelled', 'done');

create type cache_status as enum ('disabled', 'miss', 'hit', 'populated', 'lookup_failure', 'put_failure', 'skipped', 'evicted');

create type delivery_outcome as enum ('waiting', 'delivered', 'failed');

create type errand_kind as enum ('check_cache', 'launch_child', 'abort_child', 'gather_outputs');

create type error_kind as enum ('user', 'system');

create type launch_plan_state as enum ('inactive', 'active');

create type named_entity_state as enum ('active', 'archived', 'system_generated');

create type order_kind as enum ('echo', 'container');

create type project_state as enum ('active', 'archived', 'system_generated', 'system_archived');

create type purge_kind as enum ('run', 'objects');

create type resource_type as enum ('task', 'workflow', 'launch_plan', 'dataset');

create type run_mode as enum ('manual', 'scheduled', 'system', 'relaunch', 'child_workflow', 'recovered', 'trigger');

create type run_phase as enum ('queued', 'running', 'succeeded', 'failing', 'failed', 'aborting', 'aborted');

create type run_state as enum ('active', 'archived', 'purged');

create type target_kind as enum ('email', 'slack', 'webhook');

create type tick_outcome as enum ('pending', 'launched', 'skipped', 'missed', 'failed', 'cancelled');

create type timer_kind as enum ('deadline', 'backoff', 'wake', 'queue', 'total');

create type value_side as enum ('inputs', 'outputs');

CREATE OR REPLACE FUNCTION public.ensure_event_history_partition(day date)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
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
end $function$
;

CREATE OR REPLACE FUNCTION public.fence(expected integer, actual integer)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
begin
  if actual is distinct from expected then
    raise exception using
      errcode = 'serialization_failure',
      message = format('the run is at version %s, not at %s: another scheduler advanced it', coalesce(actual::text, 'none'), expected);
  end if;
  return true;
end $function$
;

create sequence event_history_id_seq;

create table action_values (
  run_id uuid not null,
  ordinal integer not null,
  side value_side not null,
  data bytea,
  uri text,
  size_bytes bigint not null,
  constraint action_values_in_one_place CHECK (((data IS NULL) <> (uri IS NULL))),
  constraint action_values_run_id_ordinal_side_pk PRIMARY KEY (run_id, ordinal, side)
);
CREATE INDEX action_values_uri_idx ON public.action_values USING btree (uri) WHERE (uri IS NOT NULL);

create table actions (
  run_id uuid not null,
  ordinal integer not null,
  org text default ''::text not null,
  project text not null,
  domain text not null,
  name text not null,
  parent_ordinal integer,
  spec_node_id text not null,
  kind action_kind not null,
  task_key text,
  phase action_phase not null,
  attempts integer default 0 not null,
  user_failures integer default 0 not null,
  system_failures integer default 0 not null,
  error_code text,
  error_message text,
  error_kind error_kind,
  deck_uri text,
  changed_seq bigint not null,
  created_at timestamp(3) with time zone default now() not null,
  updated_at timestamp(3) with time zone default now() not null,
  started_at timestamp(3) with time zone,
  ended_at timestamp(3) with time zone,
  duration double precision generated always as ((EXTRACT(epoch FROM (ended_at - started_at)))::double precision) stored,
  item_index integer,
  item_count integer,
  inputs_ordinal integer,
  reference_ordinal integer,
  cache_status cache_status default 'disabled'::cache_status not null,
  cache_key text,
  cache_entry_id uuid,
  is_recovered boolean default false not null,
  is_expanded boolean default false not null,
  constraint actions_ended_iff_terminal CHECK (((phase = ANY (ARRAY['succeeded'::action_phase, 'failed'::action_phase, 'aborted'::action_phase, 'skipped'::action_phase])) = (ended_at IS NOT NULL))),
  constraint actions_failures_within_attempts CHECK (((user_failures + system_failures) <= attempts)),
  constraint actions_run_id_ordinal_pk PRIMARY KEY (run_id, ordinal),
  constraint actions_name UNIQUE (run_id, name)
) with (autovacuum_vacuum_cost_delay=0, autovacuum_vacuum_scale_factor=0.02, fillfactor=85);
CREATE INDEX actions_cache_entry_idx ON public.actions USING btree (cache_entry_id) WHERE (cache_entry_id IS NOT NULL);
CREATE INDEX actions_parent_idx ON public.actions USING btree (run_id, parent_ordinal);

create table agents (
  id text not null,
  org text default ''::text not null,
  pool text not null,
  runtime text not null,
  version text not null,
  slots integer not null,
  cpu_millis integer not null,
  memory_mib integer not null,
  gpus integer not null,
  draining boolean default false not null,
  started_at timestamp(3) with time zone default now() not null,
  heartbeat_at timestamp(3) with time zone not null,
  lease_expires_at timestamp(3) with time zone not null,
  is_cordoned boolean default false not null,
  labels jsonb default '{}'::jsonb not null,
  constraint agents_pkey PRIMARY KEY (id)
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=200, fillfactor=50);

create table artifact_links (
  uri_hash uuid not null,
  run_id uuid not null,
  ordinal integer not null,
  side value_side not null,
  uri text not null,
  variable text not null,
  constraint artifact_links_uri_hash_run_id_ordinal_side_variable_pk PRIMARY KEY (uri_hash, run_id, ordinal, side, variable)
);
CREATE INDEX artifact_links_run_idx ON public.artifact_links USING btree (run_id);

create table attempts (
  run_id uuid not null,
  ordinal integer not null,
  attempt integer not null,
  org text default ''::text not null,
  project text not null,
  shard smallint not null,
  pool text not null,
  kind order_kind not null,
  phase attempt_phase not null,
  token_hash bytea not null,
  agent_id text,
  queued_at timestamp(3) with time zone not null,
  republished_at timestamp(3) with time zone,
  started_at timestamp(3) with time zone,
  ended_at timestamp(3) with time zone,
  updated_at timestamp(3) with time zone default now() not null,
  duration double precision generated always as ((EXTRACT(epoch FROM (ended_at - started_at)))::double precision) stored,
  error_code text,
  error_message text,
  error_kind error_kind,
  error_recoverable boolean,
  changed_seq bigint not null,
  waiting_reason text,
  image_digest text,
  log_uri text,
  log_bytes bigint,
  constraint attempts_ended_iff_terminal CHECK (((phase = ANY (ARRAY['succeeded'::attempt_phase, 'failed'::attempt_phase, 'aborted'::attempt_phase])) = (ended_at IS NOT NULL))),
  constraint attempts_error_iff_failed CHECK (((phase = 'failed'::attempt_phase) <= (error_code IS NOT NULL))),
  constraint attempts_run_id_ordinal_attempt_pk PRIMARY KEY (run_id, ordinal, attempt)
) with (autovacuum_vacuum_cost_delay=0, autovacuum_vacuum_scale_factor=0.02, fillfactor=85);
CREATE INDEX attempts_queued_idx ON public.attempts USING btree (pool, queued_at) WHERE (phase = 'queued'::attempt_phase);

create table attributes (
  org text default ''::text not null,
  project text not null,
  domain text default ''::text not null,
  workflow text default ''::text not null,
  launch_plan text default ''::text not null,
  type attribute_type not null,
  attributes bytea not null,
  updated_at timestamp(3) with time zone default now() not null,
  constraint attributes_scopes_nested CHECK ((((workflow = ''::text) OR (domain <> ''::text)) AND ((launch_plan = ''::text) OR (workflow <> ''::text)))),
  constraint attributes_project_projects_id_fk FOREIGN KEY (project) REFERENCES projects(id),
  constraint attributes_project_domain_workflow_launch_plan_type_pk PRIMARY KEY (project, domain, workflow, launch_plan, type)
);

create table backfills (
  id uuid not null,
  project text not null,
  domain text not null,
  name text not null,
  shard smallint not null,
  launch_plan_id bigint not null,
  phase backfill_phase default 'running'::backfill_phase not null,
  definition jsonb not null,
  time_zone text not null,
  kickoff_input text not null,
  from_at timestamp(3) with time zone not null,
  to_at timestamp(3) with time zone not null,
  order backfill_order not null,
  max_parallel integer not null,
  overwrite_cache boolean not null,
  again boolean not null,
  tick_count integer not null,
  created_by text not null,
  created_at timestamp(3) with time zone default now() not null,
  updated_at timestamp(3) with time zone default now() not null,
  ended_at timestamp(3) with time zone,
  constraint backfills_launch_plan_id_launch_plans_id_fk FOREIGN KEY (launch_plan_id) REFERENCES launch_plans(id),
  constraint backfills_pkey PRIMARY KEY (id)
);
CREATE INDEX backfills_newest_idx ON public.backfills USING btree (project, domain, created_at);
CREATE INDEX backfills_running_idx ON public.backfills USING btree (shard) WHERE (phase = 'running'::backfill_phase);

create table cache_datasets (
  project text not null,
  domain text not null,
  name text not null,
  version text not null,
  metadata jsonb default '{}'::jsonb not null,
  partition_keys text[] default '{}'::text[] not null,
  created_at timestamp(3) with time zone default now() not null,
  constraint cache_datasets_project_domain_name_version_pk PRIMARY KEY (project, domain, name, version)
);

create table cache_entries (
  id uuid not null,
  org text default ''::text not null,
  project text not null,
  domain text not null,
  dataset_name text not null,
  dataset_version text not null,
  data bytea,
  uri text,
  size_bytes bigint not null,
  metadata jsonb default '{}'::jsonb not null,
  partitions jsonb default '[]'::jsonb not null,
  source_run_id uuid,
  source_ordinal integer,
  source_attempt integer,
  created_at timestamp(3) with time zone default now() not null,
  updated_at timestamp(3) with time zone default now() not null,
  constraint cache_entries_pkey PRIMARY KEY (id)
);
CREATE INDEX cache_entries_dataset_idx ON public.cache_entries USING btree (project, domain, dataset_name, dataset_version, created_at);
CREATE INDEX cache_entries_source_idx ON public.cache_entries USING btree (source_run_id);
CREATE INDEX cache_entries_uri_idx ON public.cache_entries USING btree (uri) WHERE (uri IS NOT NULL);

create table cache_reservations (
  project text not null,
  domain text not null,
  dataset_name text not null,
  dataset_version text not null,
  tag text not null,
  owner_id text not null,
  run_id uuid,
  ordinal integer,
  heartbeat_seconds integer not null,
  expires_at timestamp(3) with time zone not null,
  constraint cache_reservations_project_domain_dataset_name_dataset_version_ PRIMARY KEY (project, domain, dataset_name, dataset_version, tag),
  constraint cache_reservations_action UNIQUE (run_id, ordinal)
);

create table cache_tags (
  project text not null,
  domain text not null,
  dataset_name text not null,
  dataset_version text not null,
  tag text not null,
  entry_id uuid not null,
  constraint cache_tags_entry_id_cache_entries_id_fk FOREIGN KEY (entry_id) REFERENCES cache_entries(id) ON DELETE CASCADE,
  constraint cache_tags_project_domain_dataset_name_dataset_version_tag_pk PRIMARY KEY (project, domain, dataset_name, dataset_version, tag)
);
CREATE INDEX cache_tags_entry_idx ON public.cache_tags USING btree (entry_id);

create table claims (
  run_id uuid not null,
  ordinal integer not null,
  attempt integer not null,
  agent_id text not null,
  shard smallint not null,
  claimed_at timestamp(3) with time zone default now() not null,
  constraint claims_run_id_ordinal_attempt_pk PRIMARY KEY (run_id, ordinal, attempt)
) with (autovacuum_vacuum_cost_delay=0, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=2000);
CREATE INDEX claims_agent_idx ON public.claims USING btree (agent_id);

create table commands (
  id bigint generated always as identity not null,
  run_id uuid not null,
  ordinal integer not null,
  attempt integer not null,
  shard smallint not null,
  pool text not null,
  kind order_kind not null,
  priority smallint default 0 not null,
  created_at timestamp(3) with time zone default now() not null,
  project text default ''::text not null,
  published_at timestamp(3) with time zone,
  constraint commands_run_id_ordinal_attempt_pk PRIMARY KEY (run_id, ordinal, attempt)
) with (autovacuum_vacuum_cost_delay=0, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=2000);
CREATE INDEX commands_published_idx ON public.commands USING btree (pool, project) WHERE (published_at IS NOT NULL);
CREATE INDEX commands_waiting_idx ON public.commands USING btree (pool, kind, priority, project, id) WHERE (published_at IS NULL);

create table deliveries (
  id uuid default gen_random_uuid() not null,
  org text default ''::text not null,
  project text not null,
  domain text not null,
  run_id uuid not null,
  run_name text not null,
  source text not null,
  rule_id bigint,
  kind target_kind not null,
  addresses text[] not null,
  message jsonb not null,
  outcome delivery_outcome default 'waiting'::delivery_outcome not null,
  tries integer default 0 not null,
  last_error text,
  due_at timestamp(3) with time zone default now() not null,
  created_at timestamp(3) with time zone default now() not null,
  ended_at timestamp(3) with time zone,
  constraint deliveries_ended_iff_not_waiting CHECK (((outcome = 'waiting'::delivery_outcome) = (ended_at IS NULL))),
  constraint deliveries_rule_id_notification_rules_id_fk FOREIGN KEY (rule_id) REFERENCES notification_rules(id) ON DELETE SET NULL,
  constraint deliveries_pkey PRIMARY KEY (id),
  constraint deliveries_source UNIQUE (run_id, source)
);
CREATE INDEX deliveries_due_idx ON public.deliveries USING btree (due_at) WHERE (outcome = 'waiting'::delivery_outcome);
CREATE INDEX deliveries_newest_idx ON public.deliveries USING btree (project, domain, created_at DESC NULLS LAST);
CREATE INDEX deliveries_rule_idx ON public.deliveries USING btree (rule_id) WHERE (rule_id IS NOT NULL);

create table domains (
  id text not null,
  name text not null,
  constraint domains_pkey PRIMARY KEY (id)
);

create table errands (
  id bigint generated always as identity not null,
  run_id uuid not null,
  ordinal integer not null,
  attempt integer not null,
  shard smallint not null,
  kind errand_kind not null,
  created_at timestamp(3) with time zone default now() not null,
  constraint errands_pkey PRIMARY KEY (id)
);
CREATE INDEX errands_action_idx ON public.errands USING btree (run_id, ordinal);
CREATE INDEX errands_shard_idx ON public.errands USING btree (shard, id);

create table event_history (
  id bigint default nextval('event_history_id_seq'::regclass) not null,
  run_id uuid not null,
  event jsonb not null,
  applied_at timestamp(3) with time zone default now() not null
) partition by RANGE (applied_at);
CREATE INDEX event_history_run_idx ON ONLY public.event_history USING btree (run_id, id);

create table event_history_default partition of event_history default;
CREATE INDEX event_history_default_run_id_id_idx ON public.event_history_default USING btree (run_id, id);

create table events (
  id bigint generated always as identity not null,
  run_id uuid not null,
  shard smallint not null,
  event jsonb not null,
  created_at timestamp(3) with time zone default now() not null,
  constraint events_pkey PRIMARY KEY (id)
) with (autovacuum_vacuum_cost_delay=0, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=2000);
CREATE INDEX events_shard_idx ON public.events USING btree (shard, id);

create table expansions (
  run_id uuid not null,
  ordinal integer not null,
  compiled bytea,
  uri text,
  spec_uri text not null,
  constraint expansions_in_one_place CHECK (((compiled IS NULL) <> (uri IS NULL))),
  constraint expansions_run_id_ordinal_pk PRIMARY KEY (run_id, ordinal)
);
CREATE INDEX expansions_spec_uri_idx ON public.expansions USING btree (spec_uri);
CREATE INDEX expansions_uri_idx ON public.expansions USING btree (uri) WHERE (uri IS NOT NULL);

create table kept_objects (
  run_id uuid not null,
  uri_hash uuid not null,
  uri text not null,
  size_bytes bigint not null,
  ordinal integer,
  attempt integer,
  checked_at timestamp(3) with time zone default now() not null,
  constraint kept_objects_run_id_uri_hash_pk PRIMARY KEY (run_id, uri_hash)
);
CREATE INDEX kept_objects_checked_idx ON public.kept_objects USING btree (checked_at);

create table launch_plan_limits (
  project text not null,
  domain text not null,
  name text not null,
  runs_max integer not null,
  when_full text not null,
  updated_by text not null,
  updated_at timestamp(3) with time zone default now() not null,
  constraint launch_plan_limits_runs_max CHECK ((runs_max >= 0)),
  constraint launch_plan_limits_when_full CHECK ((when_full = ANY (ARRAY['skip'::text, 'queue'::text, 'replace'::text]))),
  constraint launch_plan_limits_project_domain_name_pk PRIMARY KEY (project, domain, name)
);

create table launch_plans (
  id bigint generated always as identity not null,
  org text default ''::text not null,
  project text not null,
  domain text not null,
  name text not null,
  version text not null,
  workflow_id bigint not null,
  state launch_plan_state default 'inactive'::launch_plan_state not null,
  digest bytea not null,
  schedule_type text default 'none'::text not null,
  spec bytea not null,
  closure bytea not null,
  created_at timestamp(3) with time zone default now() not null,
  updated_at timestamp(3) with time zone default now() not null,
  constraint launch_plans_workflow_id_workflows_id_fk FOREIGN KEY (workflow_id) REFERENCES workflows(id),
  constraint launch_plans_pkey PRIMARY KEY (id),
  constraint launch_plans_identity UNIQUE (project, domain, name, version)
);
CREATE INDEX launch_plans_newest_idx ON public.launch_plans USING btree (project, domain, created_at);
CREATE UNIQUE INDEX launch_plans_one_active ON public.launch_plans USING btree (project, domain, name) WHERE (state = 'active'::launch_plan_state);
CREATE INDEX launch_plans_workflow_idx ON public.launch_plans USING btree (workflow_id);

create table log_chunks (
  run_id uuid not null,
  ordinal integer not null,
  attempt integer not null,
  offset bigint not null,
  written_at timestamp(3) with time zone default now() not null,
  data bytea not null,
  constraint log_chunks_run_id_ordinal_attempt_offset_pk PRIMARY KEY (run_id, ordinal, attempt, "offset")
);

create table named_entities (
  org text default ''::text not null,
  resource_type resource_type not null,
  project text not null,
  domain text not null,
  name text not null,
  description text default ''::text not null,
  state named_entity_state default 'active'::named_entity_state not null,
  created_at timestamp(3) with time zone default now() not null,
  updated_at timestamp(3) with time zone default now() not null,
  constraint named_entities_resource_type_project_domain_name_pk PRIMARY KEY (resource_type, project, domain, name)
);

create table notification_rules (
  id bigint generated always as identity not null,
  org text default ''::text not null,
  project text not null,
  domain text default ''::text not null,
  name text not null,
  launch_plan text default ''::text not null,
  workflow text default ''::text not null,
  phases run_phase[] not null,
  kind target_kind not null,
  addresses text[] not null,
  host text default ''::text not null,
  sealed bytea,
  created_by text not null,
  created_at timestamp(3) with time zone default now() not null,
  updated_at timestamp(3) with time zone default now() not null,
  constraint notification_rules_sealed_iff_no_mail CHECK (((kind = 'email'::target_kind) = (sealed IS NULL))),
  constraint notification_rules_pkey PRIMARY KEY (id),
  constraint notification_rules_name UNIQUE (org, project, domain, name)
);

create table pool_shares (
  pool text not null,
  project text not null,
  weight integer default 1 not null,
  running_max integer,
  updated_by text not null,
  updated_at timestamp(3) with time zone default now() not null,
  constraint pool_shares_running_max CHECK ((running_max >= 0)),
  constraint pool_shares_weight CHECK (((weight >= 1) AND (weight <= 1000))),
  constraint pool_shares_pool_project_pk PRIMARY KEY (pool, project)
);

create table projects (
  org text default ''::text not null,
  id text not null,
  name text not null,
  description text default ''::text not null,
  labels bytea not null,
  state project_state default 'active'::project_state not null,
  created_at timestamp(3) with time zone default now() not null,
  updated_at timestamp(3) with time zone default now() not null,
  constraint projects_pkey PRIMARY KEY (id)
);

create table purges (
  id bigint generated always as identity not null,
  run_id uuid not null,
  project text not null,
  domain text not null,
  name text not null,
  kind purge_kind not null,
  requested_by text not null,
  is_retention boolean default false not null,
  next_ordinal integer default 0 not null,
  next_attempt integer default 0 not null,
  objects_deleted bigint default 0 not null,
  bytes_deleted bigint default 0 not null,
  rows_deleted bigint default 0 not null,
  folders_left integer default 0 not null,
  waits_for text,
  tried_at timestamp(3) with time zone,
  created_at timestamp(3) with time zone default now() not null,
  ended_at timestamp(3) with time zone,
  constraint purges_pkey PRIMARY KEY (id),
  constraint purges_once UNIQUE (run_id, kind)
);
CREATE INDEX purges_newest_idx ON public.purges USING btree (project, id);
CREATE INDEX purges_open_idx ON public.purges USING btree (tried_at NULLS FIRST, id) WHERE (ended_at IS NULL);

create table retention (
  project text not null,
  domain text default ''::text not null,
  run_days integer,
  object_days integer,
  changed_by text not null,
  updated_at timestamp(3) with time zone default now() not null,
  constraint retention_project_domain_pk PRIMARY KEY (project, domain)
);

create table run_endings (
  run_id uuid not null,
  ended_at timestamp(3) with time zone default now() not null,
  constraint run_endings_pkey PRIMARY KEY (run_id)
);

create table run_inputs (
  run_id uuid not null,
  data bytea,
  uri text,
  size_bytes bigint not null,
  constraint run_inputs_pkey PRIMARY KEY (run_id)
);

create table run_tags (
  run_id uuid not null,
  tag text not null,
  value text default ''::text not null,
  constraint run_tags_run_id_tag_value_pk PRIMARY KEY (run_id, tag, value)
);
CREATE INDEX run_tags_tag_idx ON public.run_tags USING btree (tag, value);

create table runs (
  id uuid not null,
  org text default ''::text not null,
  project text not null,
  domain text not null,
  name text not null,
  shard smallint not null,
  phase run_phase default 'queued'::run_phase not null,
  version integer default 0 not null,
  changed_seq bigint default 1 not null,
  state run_state default 'active'::run_state not null,
  mode run_mode not null,
  principal text not null,
  launch_plan_id bigint,
  task_id bigint,
  workflow_id bigint not null,
  reference_run_id uuid,
  priority smallint default 0 not null,
  cluster text default ''::text not null,
  spec bytea not null,
  error_code text,
  error_message text,
  error_kind error_kind,
  abort_cause text,
  abort_principal text,
  state_changed_by text,
  state_changed_at timestamp(3) with time zone,
  created_at timestamp(3) with time zone default now() not null,
  updated_at timestamp(3) with time zone default now() not null,
  started_at timestamp(3) with time zone,
  ended_at timestamp(3) with time zone,
  duration double precision generated always as ((EXTRACT(epoch FROM (ended_at - started_at)))::double precision) stored,
  rerun_from text[],
  parent_run_id uuid,
  parent_ordinal integer,
  parent_attempt integer,
  overwrite_cache boolean default false not null,
  pool text default ''::text not null,
  max_parallelism integer default 0 not null,
  queue_timeout_ms bigint default 0 not null,
  has_notifications boolean default false not null,
  found_inputs jsonb,
  memory_growth text default ''::text not null,
  constraint runs_ended_iff_terminal CHECK (((phase = ANY (ARRAY['succeeded'::run_phase, 'failed'::run_phase, 'aborted'::run_phase])) = (ended_at IS NOT NULL))),
  constraint runs_error_iff_failing CHECK (((phase = ANY (ARRAY['failing'::run_phase, 'failed'::run_phase])) <= (error_code IS NOT NULL))),
  constraint runs_launch_plan_id_launch_plans_id_fk FOREIGN KEY (launch_plan_id) REFERENCES launch_plans(id),
  constraint runs_task_id_tasks_id_fk FOREIGN KEY (task_id) REFERENCES tasks(id),
  constraint runs_workflow_id_workflows_id_fk FOREIGN KEY (workflow_id) REFERENCES workflows(id),
  constraint runs_pkey PRIMARY KEY (id),
  constraint runs_identity UNIQUE (project, domain, name)
) with (autovacuum_vacuum_cost_delay=0, autovacuum_vacuum_scale_factor=0.02, fillfactor=85);
CREATE INDEX runs_failed_idx ON public.runs USING btree (project, domain, created_at, id) WHERE (phase = ANY (ARRAY['failing'::run_phase, 'failed'::run_phase, 'aborting'::run_phase, 'aborted'::run_phase]));
CREATE INDEX runs_found_inputs_idx ON public.runs USING gin (found_inputs jsonb_path_ops) WHERE (found_inputs IS NOT NULL);
CREATE INDEX runs_newest_idx ON public.runs USING btree (project, domain, created_at, id, phase, state, workflow_id, started_at, duration, mode, hashtext(principal));
CREATE UNIQUE INDEX runs_parent_idx ON public.runs USING btree (parent_run_id, parent_ordinal, parent_attempt) WHERE (parent_run_id IS NOT NULL);
CREATE INDEX runs_unfinished_idx ON public.runs USING btree (shard) WHERE (phase <> ALL (ARRAY['succeeded'::run_phase, 'failed'::run_phase, 'aborted'::run_phase]));

create table schedule_ticks (
  id bigint generated always as identity not null,
  project text not null,
  domain text not null,
  name text not null,
  fire_at timestamp(3) with time zone not null,
  again text default ''::text not null,
  shard smallint not null,
  launch_plan_id bigint not null,
  backfill_id uuid,
  outcome tick_outcome default 'pending'::tick_outcome not null,
  run_name text,
  reason text default ''::text not null,
  is_open boolean default false not null,
  is_aborting boolean default false not null,
  try_at timestamp(3) with time zone default now() not null,
  created_at timestamp(3) with time zone default now() not null,
  settled_at timestamp(3) with time zone,
  constraint schedule_ticks_backfill_id_backfills_id_fk FOREIGN KEY (backfill_id) REFERENCES backfills(id),
  constraint schedule_ticks_launch_plan_id_launch_plans_id_fk FOREIGN KEY (launch_plan_id) REFERENCES launch_plans(id),
  constraint schedule_ticks_pkey PRIMARY KEY (id),
  constraint schedule_ticks_identity UNIQUE (project, domain, name, fire_at, again)
);
CREATE INDEX schedule_ticks_backfill_idx ON public.schedule_ticks USING btree (backfill_id, outcome, fire_at) WHERE (backfill_id IS NOT NULL);
CREATE INDEX schedule_ticks_open_idx ON public.schedule_ticks USING btree (shard) WHERE is_open;
CREATE INDEX schedule_ticks_pending_idx ON public.schedule_ticks USING btree (shard, project, domain, name, fire_at) WHERE ((outcome = 'pending'::tick_outcome) AND (backfill_id IS NULL));

create table schedulers (
  id text not null,
  lease_expires_at timestamp(3) with time zone not null,
  constraint schedulers_pkey PRIMARY KEY (id)
);

create table schedules (
  project text not null,
  domain text not null,
  name text not null,
  shard smallint not null,
  launch_plan_id bigint,
  definition jsonb not null,
  plan_policy jsonb not null,
  own_policy jsonb default '{}'::jsonb not null,
  is_paused boolean default false not null,
  anchor_at timestamp(3) with time zone not null,
  considered_at timestamp(3) with time zone not null,
  wake_at timestamp(3) with time zone,
  activated_at timestamp(3) with time zone not null,
  activated_by text not null,
  updated_by text not null,
  created_at timestamp(3) with time zone default now() not null,
  updated_at timestamp(3) with time zone default now() not null,
  constraint schedules_launch_plan_id_launch_plans_id_fk FOREIGN KEY (launch_plan_id) REFERENCES launch_plans(id),
  constraint schedules_project_domain_name_pk PRIMARY KEY (project, domain, name)
);
CREATE INDEX schedules_wake_idx ON public.schedules USING btree (shard, wake_at) WHERE (wake_at IS NOT NULL);

create table secrets (
  org text default ''::text not null,
  project text default ''::text not null,
  domain text default ''::text not null,
  group text not null,
  key text not null,
  version integer not null,
  key_id text not null,
  data_key bytea not null,
  ciphertext bytea not null,
  created_by text not null,
  created_at timestamp(3) with time zone default now() not null,
  constraint secrets_org_project_domain_group_key_version_pk PRIMARY KEY (org, project, domain, "group", key, version)
);

create table shards (
  id smallint not null,
  owner text,
  lease_expires_at timestamp(3) with time zone,
  constraint shards_pkey PRIMARY KEY (id)
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=200, fillfactor=50);

create table signals (
  run_id uuid not null,
  ordinal integer not null,
  signal_id text not null,
  is_approval boolean not null,
  type bytea not null,
  value bytea,
  set_by text,
  set_at timestamp(3) with time zone,
  created_at timestamp(3) with time zone default now() not null,
  constraint signals_run_id_ordinal_pk PRIMARY KEY (run_id, ordinal)
);
CREATE INDEX signals_id_idx ON public.signals USING btree (run_id, signal_id);

create table tasks (
  id bigint generated always as identity not null,
  org text default ''::text not null,
  project text not null,
  domain text not null,
  name text not null,
  version text not null,
  type text not null,
  digest bytea not null,
  short_description text default ''::text not null,
  spec bytea not null,
  closure bytea not null,
  created_at timestamp(3) with time zone default now() not null,
  updated_at timestamp(3) with time zone default now() not null,
  constraint tasks_pkey PRIMARY KEY (id),
  constraint tasks_identity UNIQUE (project, domain, name, version)
);
CREATE INDEX tasks_newest_idx ON public.tasks USING btree (project, domain, created_at);

create table timers (
  run_id uuid not null,
  ordinal integer not null,
  attempt integer not null,
  kind timer_kind not null,
  shard smallint not null,
  due_at timestamp(3) with time zone not null,
  constraint timers_run_id_ordinal_attempt_kind_pk PRIMARY KEY (run_id, ordinal, attempt, kind)
) with (autovacuum_vacuum_cost_delay=0, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=2000);
CREATE INDEX timers_due_idx ON public.timers USING btree (shard, due_at);

create table waiting_runs (
  run_id uuid not null,
  project text not null,
  domain text not null,
  name text not null,
  runs_max integer not null,
  priority smallint default 0 not null,
  id bigint generated always as identity not null,
  created_at timestamp(3) with time zone default now() not null,
  constraint waiting_runs_pkey PRIMARY KEY (run_id)
);
CREATE INDEX waiting_runs_next_idx ON public.waiting_runs USING btree (project, domain, name, priority, id);

create table workflows (
  id bigint generated always as identity not null,
  org text default ''::text not null,
  project text not null,
  domain text not null,
  name text not null,
  version text not null,
  digest bytea not null,
  short_description text default ''::text not null,
  interface bytea not null,
  spec bytea not null,
  compiled bytea not null,
  created_at timestamp(3) with time zone default now() not null,
  updated_at timestamp(3) with time zone default now() not null,
  constraint workflows_pkey PRIMARY KEY (id),
  constraint workflows_identity UNIQUE (project, domain, name, version)
);
CREATE INDEX workflows_newest_idx ON public.workflows USING btree (project, domain, created_at);
