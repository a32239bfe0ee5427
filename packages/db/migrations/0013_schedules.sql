CREATE TYPE "public"."backfill_order" AS ENUM('oldest', 'newest');--> statement-breakpoint
CREATE TYPE "public"."backfill_phase" AS ENUM('running', 'paused', 'cancelled', 'done');--> statement-breakpoint
CREATE TYPE "public"."tick_outcome" AS ENUM('pending', 'launched', 'skipped', 'missed', 'failed', 'cancelled');--> statement-breakpoint
CREATE TABLE "backfills" (
	"id" uuid PRIMARY KEY NOT NULL,
	"project" text NOT NULL,
	"domain" text NOT NULL,
	"name" text NOT NULL,
	"shard" smallint NOT NULL,
	"launch_plan_id" bigint NOT NULL,
	"phase" "backfill_phase" DEFAULT 'running' NOT NULL,
	"definition" jsonb NOT NULL,
	"time_zone" text NOT NULL,
	"kickoff_input" text NOT NULL,
	"from_at" timestamp (3) with time zone NOT NULL,
	"to_at" timestamp (3) with time zone NOT NULL,
	"order" "backfill_order" NOT NULL,
	"max_parallel" integer NOT NULL,
	"overwrite_cache" boolean NOT NULL,
	"again" boolean NOT NULL,
	"tick_count" integer NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "schedule_ticks" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "schedule_ticks_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"project" text NOT NULL,
	"domain" text NOT NULL,
	"name" text NOT NULL,
	"fire_at" timestamp (3) with time zone NOT NULL,
	"again" text DEFAULT '' NOT NULL,
	"shard" smallint NOT NULL,
	"launch_plan_id" bigint NOT NULL,
	"backfill_id" uuid,
	"outcome" "tick_outcome" DEFAULT 'pending' NOT NULL,
	"run_name" text,
	"reason" text DEFAULT '' NOT NULL,
	"is_open" boolean DEFAULT false NOT NULL,
	"is_aborting" boolean DEFAULT false NOT NULL,
	"try_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"settled_at" timestamp (3) with time zone,
	CONSTRAINT "schedule_ticks_identity" UNIQUE("project","domain","name","fire_at","again")
);
--> statement-breakpoint
CREATE TABLE "schedules" (
	"project" text NOT NULL,
	"domain" text NOT NULL,
	"name" text NOT NULL,
	"shard" smallint NOT NULL,
	"launch_plan_id" bigint,
	"definition" jsonb NOT NULL,
	"plan_policy" jsonb NOT NULL,
	"own_policy" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"is_paused" boolean DEFAULT false NOT NULL,
	"anchor_at" timestamp (3) with time zone NOT NULL,
	"considered_at" timestamp (3) with time zone NOT NULL,
	"wake_at" timestamp (3) with time zone,
	"activated_at" timestamp (3) with time zone NOT NULL,
	"activated_by" text NOT NULL,
	"updated_by" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "schedules_project_domain_name_pk" PRIMARY KEY("project","domain","name")
);
--> statement-breakpoint
ALTER TABLE "backfills" ADD CONSTRAINT "backfills_launch_plan_id_launch_plans_id_fk" FOREIGN KEY ("launch_plan_id") REFERENCES "public"."launch_plans"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "schedule_ticks" ADD CONSTRAINT "schedule_ticks_launch_plan_id_launch_plans_id_fk" FOREIGN KEY ("launch_plan_id") REFERENCES "public"."launch_plans"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "schedule_ticks" ADD CONSTRAINT "schedule_ticks_backfill_id_backfills_id_fk" FOREIGN KEY ("backfill_id") REFERENCES "public"."backfills"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "schedules" ADD CONSTRAINT "schedules_launch_plan_id_launch_plans_id_fk" FOREIGN KEY ("launch_plan_id") REFERENCES "public"."launch_plans"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "backfills_newest_idx" ON "backfills" USING btree ("project","domain","created_at");--> statement-breakpoint
CREATE INDEX "backfills_running_idx" ON "backfills" USING btree ("shard") WHERE "backfills"."phase" = 'running';--> statement-breakpoint
CREATE INDEX "schedule_ticks_pending_idx" ON "schedule_ticks" USING btree ("shard","project","domain","name","fire_at") WHERE "schedule_ticks"."outcome" = 'pending' and "schedule_ticks"."backfill_id" is null;--> statement-breakpoint
CREATE INDEX "schedule_ticks_open_idx" ON "schedule_ticks" USING btree ("shard") WHERE "schedule_ticks"."is_open";--> statement-breakpoint
CREATE INDEX "schedule_ticks_backfill_idx" ON "schedule_ticks" USING btree ("backfill_id","outcome","fire_at") WHERE "schedule_ticks"."backfill_id" is not null;--> statement-breakpoint
CREATE INDEX "schedules_wake_idx" ON "schedules" USING btree ("shard","wake_at") WHERE "schedules"."wake_at" is not null;