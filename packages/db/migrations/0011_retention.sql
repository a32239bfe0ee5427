CREATE TYPE "public"."purge_kind" AS ENUM('run', 'objects');--> statement-breakpoint
ALTER TYPE "public"."run_state" ADD VALUE 'purged';--> statement-breakpoint
CREATE TABLE "kept_objects" (
	"run_id" uuid NOT NULL,
	"uri_hash" uuid NOT NULL,
	"uri" text NOT NULL,
	"size_bytes" bigint NOT NULL,
	"ordinal" integer,
	"attempt" integer,
	"checked_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "kept_objects_run_id_uri_hash_pk" PRIMARY KEY("run_id","uri_hash")
);
--> statement-breakpoint
CREATE TABLE "purges" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "purges_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"run_id" uuid NOT NULL,
	"project" text NOT NULL,
	"domain" text NOT NULL,
	"name" text NOT NULL,
	"kind" "purge_kind" NOT NULL,
	"requested_by" text NOT NULL,
	"is_retention" boolean DEFAULT false NOT NULL,
	"next_ordinal" integer DEFAULT 0 NOT NULL,
	"next_attempt" integer DEFAULT 0 NOT NULL,
	"objects_deleted" bigint DEFAULT 0 NOT NULL,
	"bytes_deleted" bigint DEFAULT 0 NOT NULL,
	"rows_deleted" bigint DEFAULT 0 NOT NULL,
	"folders_left" integer DEFAULT 0 NOT NULL,
	"waits_for" text,
	"tried_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "purges_once" UNIQUE("run_id","kind")
);
--> statement-breakpoint
CREATE TABLE "retention" (
	"project" text NOT NULL,
	"domain" text DEFAULT '' NOT NULL,
	"run_days" integer,
	"object_days" integer,
	"changed_by" text NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "retention_project_domain_pk" PRIMARY KEY("project","domain")
);
--> statement-breakpoint
DROP INDEX "runs_newest_idx";--> statement-breakpoint
CREATE INDEX "kept_objects_checked_idx" ON "kept_objects" USING btree ("checked_at");--> statement-breakpoint
CREATE INDEX "purges_open_idx" ON "purges" USING btree ("tried_at" NULLS FIRST,"id") WHERE "purges"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "purges_newest_idx" ON "purges" USING btree ("project","id");--> statement-breakpoint
CREATE INDEX "action_values_uri_idx" ON "action_values" USING btree ("uri") WHERE "action_values"."uri" is not null;--> statement-breakpoint
CREATE INDEX "expansions_spec_uri_idx" ON "expansions" USING btree ("spec_uri");--> statement-breakpoint
CREATE INDEX "expansions_uri_idx" ON "expansions" USING btree ("uri") WHERE "expansions"."uri" is not null;--> statement-breakpoint
CREATE INDEX "cache_entries_uri_idx" ON "cache_entries" USING btree ("uri") WHERE "cache_entries"."uri" is not null;--> statement-breakpoint
CREATE INDEX "runs_failed_idx" ON "runs" USING btree ("project","domain","created_at","id") WHERE "runs"."phase" in ('failing', 'failed', 'aborting', 'aborted');--> statement-breakpoint
CREATE INDEX "runs_found_inputs_idx" ON "runs" USING gin ("found_inputs" jsonb_path_ops) WHERE "runs"."found_inputs" is not null;--> statement-breakpoint
CREATE INDEX "runs_newest_idx" ON "runs" USING btree ("project","domain","created_at","id","phase","state","workflow_id","started_at","duration","mode",hashtext("principal"));