CREATE TYPE "public"."action_kind" AS ENUM('start', 'end', 'task', 'workflow');--> statement-breakpoint
CREATE TYPE "public"."action_phase" AS ENUM('queued', 'running', 'succeeded', 'failing', 'failed', 'aborting', 'aborted', 'skipped');--> statement-breakpoint
CREATE TYPE "public"."value_side" AS ENUM('inputs', 'outputs');--> statement-breakpoint
CREATE TYPE "public"."attempt_phase" AS ENUM('queued', 'running', 'succeeded', 'failed', 'aborting', 'aborted');--> statement-breakpoint
CREATE TYPE "public"."order_kind" AS ENUM('echo', 'container');--> statement-breakpoint
CREATE TYPE "public"."timer_kind" AS ENUM('deadline', 'backoff');--> statement-breakpoint
CREATE TYPE "public"."project_state" AS ENUM('active', 'archived', 'system_generated', 'system_archived');--> statement-breakpoint
CREATE TYPE "public"."launch_plan_state" AS ENUM('inactive', 'active');--> statement-breakpoint
CREATE TYPE "public"."named_entity_state" AS ENUM('active', 'archived', 'system_generated');--> statement-breakpoint
CREATE TYPE "public"."resource_type" AS ENUM('task', 'workflow', 'launch_plan', 'dataset');--> statement-breakpoint
CREATE TYPE "public"."error_kind" AS ENUM('user', 'system');--> statement-breakpoint
CREATE TYPE "public"."run_mode" AS ENUM('manual', 'scheduled', 'system', 'relaunch', 'child_workflow', 'recovered', 'trigger');--> statement-breakpoint
CREATE TYPE "public"."run_phase" AS ENUM('queued', 'running', 'succeeded', 'failing', 'failed', 'aborting', 'aborted');--> statement-breakpoint
CREATE TYPE "public"."run_state" AS ENUM('active', 'archived');--> statement-breakpoint
CREATE TABLE "action_values" (
	"run_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"side" "value_side" NOT NULL,
	"data" "bytea",
	"uri" text,
	"size_bytes" bigint NOT NULL,
	CONSTRAINT "action_values_run_id_ordinal_side_pk" PRIMARY KEY("run_id","ordinal","side"),
	CONSTRAINT "action_values_in_one_place" CHECK (("action_values"."data" is null) <> ("action_values"."uri" is null))
);
--> statement-breakpoint
CREATE TABLE "actions" (
	"run_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"org" text DEFAULT '' NOT NULL,
	"project" text NOT NULL,
	"domain" text NOT NULL,
	"name" text NOT NULL,
	"parent_ordinal" integer,
	"spec_node_id" text NOT NULL,
	"kind" "action_kind" NOT NULL,
	"task_key" text,
	"phase" "action_phase" NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"user_failures" integer DEFAULT 0 NOT NULL,
	"system_failures" integer DEFAULT 0 NOT NULL,
	"error_code" text,
	"error_message" text,
	"error_kind" "error_kind",
	"deck_uri" text,
	"changed_seq" bigint NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	"duration" double precision GENERATED ALWAYS AS (extract(epoch from ended_at - started_at)::double precision) STORED,
	CONSTRAINT "actions_run_id_ordinal_pk" PRIMARY KEY("run_id","ordinal"),
	CONSTRAINT "actions_name" UNIQUE("run_id","name"),
	CONSTRAINT "actions_ended_iff_terminal" CHECK (("actions"."phase" in ('succeeded', 'failed', 'aborted', 'skipped')) = ("actions"."ended_at" is not null)),
	CONSTRAINT "actions_failures_within_attempts" CHECK ("actions"."user_failures" + "actions"."system_failures" <= "actions"."attempts")
);
--> statement-breakpoint
CREATE TABLE "run_inputs" (
	"run_id" uuid PRIMARY KEY NOT NULL,
	"data" "bytea",
	"uri" text,
	"size_bytes" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "agents" (
	"id" text PRIMARY KEY NOT NULL,
	"org" text DEFAULT '' NOT NULL,
	"pool" text NOT NULL,
	"runtime" text NOT NULL,
	"version" text NOT NULL,
	"slots" integer NOT NULL,
	"cpu_millis" integer NOT NULL,
	"memory_mib" integer NOT NULL,
	"gpus" integer NOT NULL,
	"draining" boolean DEFAULT false NOT NULL,
	"started_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"heartbeat_at" timestamp (3) with time zone NOT NULL,
	"lease_expires_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "attempts" (
	"run_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"attempt" integer NOT NULL,
	"org" text DEFAULT '' NOT NULL,
	"project" text NOT NULL,
	"shard" smallint NOT NULL,
	"pool" text NOT NULL,
	"kind" "order_kind" NOT NULL,
	"phase" "attempt_phase" NOT NULL,
	"token_hash" "bytea" NOT NULL,
	"agent_id" text,
	"queued_at" timestamp (3) with time zone NOT NULL,
	"republished_at" timestamp (3) with time zone,
	"started_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"duration" double precision GENERATED ALWAYS AS (extract(epoch from ended_at - started_at)::double precision) STORED,
	"error_code" text,
	"error_message" text,
	"error_kind" "error_kind",
	"error_recoverable" boolean,
	"changed_seq" bigint NOT NULL,
	CONSTRAINT "attempts_run_id_ordinal_attempt_pk" PRIMARY KEY("run_id","ordinal","attempt"),
	CONSTRAINT "attempts_ended_iff_terminal" CHECK (("attempts"."phase" in ('succeeded', 'failed', 'aborted')) = ("attempts"."ended_at" is not null)),
	CONSTRAINT "attempts_error_iff_failed" CHECK (("attempts"."phase" = 'failed') <= ("attempts"."error_code" is not null))
);
--> statement-breakpoint
CREATE TABLE "claims" (
	"run_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"attempt" integer NOT NULL,
	"agent_id" text NOT NULL,
	"shard" smallint NOT NULL,
	"claimed_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "claims_run_id_ordinal_attempt_pk" PRIMARY KEY("run_id","ordinal","attempt")
);
--> statement-breakpoint
CREATE TABLE "log_chunks" (
	"run_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"attempt" integer NOT NULL,
	"offset" bigint NOT NULL,
	"written_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"data" "bytea" NOT NULL,
	CONSTRAINT "log_chunks_run_id_ordinal_attempt_offset_pk" PRIMARY KEY("run_id","ordinal","attempt","offset")
);
--> statement-breakpoint
CREATE TABLE "commands" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "commands_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"run_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"attempt" integer NOT NULL,
	"shard" smallint NOT NULL,
	"pool" text NOT NULL,
	"kind" "order_kind" NOT NULL,
	"priority" smallint DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "events" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "events_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"run_id" uuid NOT NULL,
	"shard" smallint NOT NULL,
	"event" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "shards" (
	"id" smallint PRIMARY KEY NOT NULL,
	"owner" text,
	"lease_expires_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "timers" (
	"run_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"attempt" integer NOT NULL,
	"kind" timer_kind NOT NULL,
	"shard" smallint NOT NULL,
	"due_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "timers_run_id_ordinal_attempt_kind_pk" PRIMARY KEY("run_id","ordinal","attempt","kind")
);
--> statement-breakpoint
CREATE TABLE "domains" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "projects" (
	"org" text DEFAULT '' NOT NULL,
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"description" text DEFAULT '' NOT NULL,
	"labels" "bytea" NOT NULL,
	"state" "project_state" DEFAULT 'active' NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "launch_plans" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "launch_plans_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"org" text DEFAULT '' NOT NULL,
	"project" text NOT NULL,
	"domain" text NOT NULL,
	"name" text NOT NULL,
	"version" text NOT NULL,
	"workflow_id" bigint NOT NULL,
	"state" "launch_plan_state" DEFAULT 'inactive' NOT NULL,
	"digest" "bytea" NOT NULL,
	"schedule_type" text DEFAULT 'none' NOT NULL,
	"spec" "bytea" NOT NULL,
	"closure" "bytea" NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "launch_plans_identity" UNIQUE("project","domain","name","version")
);
--> statement-breakpoint
CREATE TABLE "named_entities" (
	"org" text DEFAULT '' NOT NULL,
	"resource_type" "resource_type" NOT NULL,
	"project" text NOT NULL,
	"domain" text NOT NULL,
	"name" text NOT NULL,
	"description" text DEFAULT '' NOT NULL,
	"state" "named_entity_state" DEFAULT 'active' NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "named_entities_resource_type_project_domain_name_pk" PRIMARY KEY("resource_type","project","domain","name")
);
--> statement-breakpoint
CREATE TABLE "tasks" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "tasks_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"org" text DEFAULT '' NOT NULL,
	"project" text NOT NULL,
	"domain" text NOT NULL,
	"name" text NOT NULL,
	"version" text NOT NULL,
	"type" text NOT NULL,
	"digest" "bytea" NOT NULL,
	"short_description" text DEFAULT '' NOT NULL,
	"spec" "bytea" NOT NULL,
	"closure" "bytea" NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "tasks_identity" UNIQUE("project","domain","name","version")
);
--> statement-breakpoint
CREATE TABLE "workflows" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "workflows_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"org" text DEFAULT '' NOT NULL,
	"project" text NOT NULL,
	"domain" text NOT NULL,
	"name" text NOT NULL,
	"version" text NOT NULL,
	"digest" "bytea" NOT NULL,
	"short_description" text DEFAULT '' NOT NULL,
	"interface" "bytea" NOT NULL,
	"spec" "bytea" NOT NULL,
	"compiled" "bytea" NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "workflows_identity" UNIQUE("project","domain","name","version")
);
--> statement-breakpoint
CREATE TABLE "runs" (
	"id" uuid PRIMARY KEY NOT NULL,
	"org" text DEFAULT '' NOT NULL,
	"project" text NOT NULL,
	"domain" text NOT NULL,
	"name" text NOT NULL,
	"shard" smallint NOT NULL,
	"phase" "run_phase" DEFAULT 'queued' NOT NULL,
	"version" integer DEFAULT 0 NOT NULL,
	"changed_seq" bigint DEFAULT 1 NOT NULL,
	"state" "run_state" DEFAULT 'active' NOT NULL,
	"mode" "run_mode" NOT NULL,
	"principal" text NOT NULL,
	"launch_plan_id" bigint,
	"task_id" bigint,
	"workflow_id" bigint NOT NULL,
	"reference_run_id" uuid,
	"priority" smallint DEFAULT 0 NOT NULL,
	"cluster" text DEFAULT '' NOT NULL,
	"spec" "bytea" NOT NULL,
	"error_code" text,
	"error_message" text,
	"error_kind" "error_kind",
	"abort_cause" text,
	"abort_principal" text,
	"state_changed_by" text,
	"state_changed_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	"duration" double precision GENERATED ALWAYS AS (extract(epoch from ended_at - started_at)::double precision) STORED,
	CONSTRAINT "runs_identity" UNIQUE("project","domain","name"),
	CONSTRAINT "runs_ended_iff_terminal" CHECK (("runs"."phase" in ('succeeded', 'failed', 'aborted')) = ("runs"."ended_at" is not null)),
	CONSTRAINT "runs_error_iff_failing" CHECK (("runs"."phase" in ('failing', 'failed')) <= ("runs"."error_code" is not null))
);
--> statement-breakpoint
ALTER TABLE "launch_plans" ADD CONSTRAINT "launch_plans_workflow_id_workflows_id_fk" FOREIGN KEY ("workflow_id") REFERENCES "public"."workflows"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "runs" ADD CONSTRAINT "runs_launch_plan_id_launch_plans_id_fk" FOREIGN KEY ("launch_plan_id") REFERENCES "public"."launch_plans"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "runs" ADD CONSTRAINT "runs_task_id_tasks_id_fk" FOREIGN KEY ("task_id") REFERENCES "public"."tasks"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "runs" ADD CONSTRAINT "runs_workflow_id_workflows_id_fk" FOREIGN KEY ("workflow_id") REFERENCES "public"."workflows"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "actions_parent_idx" ON "actions" USING btree ("run_id","parent_ordinal");--> statement-breakpoint
CREATE INDEX "attempts_queued_idx" ON "attempts" USING btree ("pool","queued_at") WHERE "attempts"."phase" = 'queued';--> statement-breakpoint
CREATE INDEX "claims_agent_idx" ON "claims" USING btree ("agent_id");--> statement-breakpoint
CREATE INDEX "commands_next_idx" ON "commands" USING btree ("pool","priority" DESC NULLS LAST,"id");--> statement-breakpoint
CREATE INDEX "events_shard_idx" ON "events" USING btree ("shard","id");--> statement-breakpoint
CREATE INDEX "timers_due_idx" ON "timers" USING btree ("shard","due_at");--> statement-breakpoint
CREATE INDEX "launch_plans_newest_idx" ON "launch_plans" USING btree ("project","domain","created_at");--> statement-breakpoint
CREATE INDEX "launch_plans_workflow_idx" ON "launch_plans" USING btree ("workflow_id");--> statement-breakpoint
CREATE UNIQUE INDEX "launch_plans_one_active" ON "launch_plans" USING btree ("project","domain","name") WHERE "launch_plans"."state" = 'active';--> statement-breakpoint
CREATE INDEX "tasks_newest_idx" ON "tasks" USING btree ("project","domain","created_at");--> statement-breakpoint
CREATE INDEX "workflows_newest_idx" ON "workflows" USING btree ("project","domain","created_at");--> statement-breakpoint
CREATE INDEX "runs_newest_idx" ON "runs" USING btree ("project","domain","created_at" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "runs_unfinished_idx" ON "runs" USING btree ("shard") WHERE "runs"."phase" not in ('succeeded', 'failed', 'aborted');