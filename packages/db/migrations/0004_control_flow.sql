CREATE TYPE "public"."cache_status" AS ENUM('disabled', 'miss', 'hit', 'populated', 'lookup_failure', 'put_failure', 'skipped', 'evicted');--> statement-breakpoint
CREATE TYPE "public"."errand_kind" AS ENUM('check_cache', 'launch_child', 'abort_child', 'gather_outputs');--> statement-breakpoint
ALTER TYPE "public"."action_kind" ADD VALUE 'branch';--> statement-breakpoint
ALTER TYPE "public"."action_kind" ADD VALUE 'gate';--> statement-breakpoint
ALTER TYPE "public"."action_kind" ADD VALUE 'array';--> statement-breakpoint
ALTER TYPE "public"."action_kind" ADD VALUE 'launch_plan';--> statement-breakpoint
ALTER TYPE "public"."timer_kind" ADD VALUE 'wake';--> statement-breakpoint
CREATE TABLE "artifact_links" (
	"uri_hash" uuid NOT NULL,
	"run_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"side" "value_side" NOT NULL,
	"uri" text NOT NULL,
	"variable" text NOT NULL,
	CONSTRAINT "artifact_links_uri_hash_run_id_ordinal_side_variable_pk" PRIMARY KEY("uri_hash","run_id","ordinal","side","variable")
);
--> statement-breakpoint
CREATE TABLE "expansions" (
	"run_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"compiled" "bytea",
	"uri" text,
	"spec_uri" text NOT NULL,
	CONSTRAINT "expansions_run_id_ordinal_pk" PRIMARY KEY("run_id","ordinal"),
	CONSTRAINT "expansions_in_one_place" CHECK (("expansions"."compiled" is null) <> ("expansions"."uri" is null))
);
--> statement-breakpoint
CREATE TABLE "signals" (
	"run_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"signal_id" text NOT NULL,
	"is_approval" boolean NOT NULL,
	"type" "bytea" NOT NULL,
	"value" "bytea",
	"set_by" text,
	"set_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "signals_run_id_ordinal_pk" PRIMARY KEY("run_id","ordinal")
);
--> statement-breakpoint
CREATE TABLE "cache_datasets" (
	"project" text NOT NULL,
	"domain" text NOT NULL,
	"name" text NOT NULL,
	"version" text NOT NULL,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"partition_keys" text[] DEFAULT '{}' NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "cache_datasets_project_domain_name_version_pk" PRIMARY KEY("project","domain","name","version")
);
--> statement-breakpoint
CREATE TABLE "cache_entries" (
	"id" uuid PRIMARY KEY NOT NULL,
	"org" text DEFAULT '' NOT NULL,
	"project" text NOT NULL,
	"domain" text NOT NULL,
	"dataset_name" text NOT NULL,
	"dataset_version" text NOT NULL,
	"data" "bytea",
	"uri" text,
	"size_bytes" bigint NOT NULL,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"partitions" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"source_run_id" uuid,
	"source_ordinal" integer,
	"source_attempt" integer,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cache_reservations" (
	"project" text NOT NULL,
	"domain" text NOT NULL,
	"dataset_name" text NOT NULL,
	"dataset_version" text NOT NULL,
	"tag" text NOT NULL,
	"owner_id" text NOT NULL,
	"run_id" uuid,
	"ordinal" integer,
	"heartbeat_seconds" integer NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "cache_reservations_project_domain_dataset_name_dataset_version_tag_pk" PRIMARY KEY("project","domain","dataset_name","dataset_version","tag"),
	CONSTRAINT "cache_reservations_action" UNIQUE("run_id","ordinal")
);
--> statement-breakpoint
CREATE TABLE "cache_tags" (
	"project" text NOT NULL,
	"domain" text NOT NULL,
	"dataset_name" text NOT NULL,
	"dataset_version" text NOT NULL,
	"tag" text NOT NULL,
	"entry_id" uuid NOT NULL,
	CONSTRAINT "cache_tags_project_domain_dataset_name_dataset_version_tag_pk" PRIMARY KEY("project","domain","dataset_name","dataset_version","tag")
);
--> statement-breakpoint
CREATE TABLE "errands" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "errands_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"run_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"attempt" integer NOT NULL,
	"shard" smallint NOT NULL,
	"kind" "errand_kind" NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "run_tags" (
	"run_id" uuid NOT NULL,
	"tag" text NOT NULL,
	CONSTRAINT "run_tags_run_id_tag_pk" PRIMARY KEY("run_id","tag")
);
--> statement-breakpoint
ALTER TABLE "actions" ADD COLUMN "item_index" integer;--> statement-breakpoint
ALTER TABLE "actions" ADD COLUMN "item_count" integer;--> statement-breakpoint
ALTER TABLE "actions" ADD COLUMN "inputs_ordinal" integer;--> statement-breakpoint
ALTER TABLE "actions" ADD COLUMN "reference_ordinal" integer;--> statement-breakpoint
ALTER TABLE "actions" ADD COLUMN "cache_status" "cache_status" DEFAULT 'disabled' NOT NULL;--> statement-breakpoint
ALTER TABLE "actions" ADD COLUMN "cache_key" text;--> statement-breakpoint
ALTER TABLE "actions" ADD COLUMN "cache_entry_id" uuid;--> statement-breakpoint
ALTER TABLE "actions" ADD COLUMN "is_recovered" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "actions" ADD COLUMN "is_expanded" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "rerun_from" text[];--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "parent_run_id" uuid;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "parent_ordinal" integer;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "parent_attempt" integer;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "overwrite_cache" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "cache_tags" ADD CONSTRAINT "cache_tags_entry_id_cache_entries_id_fk" FOREIGN KEY ("entry_id") REFERENCES "public"."cache_entries"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "artifact_links_run_idx" ON "artifact_links" USING btree ("run_id");--> statement-breakpoint
CREATE INDEX "signals_id_idx" ON "signals" USING btree ("run_id","signal_id");--> statement-breakpoint
CREATE INDEX "cache_entries_dataset_idx" ON "cache_entries" USING btree ("project","domain","dataset_name","dataset_version","created_at");--> statement-breakpoint
CREATE INDEX "cache_entries_source_idx" ON "cache_entries" USING btree ("source_run_id");--> statement-breakpoint
CREATE INDEX "cache_tags_entry_idx" ON "cache_tags" USING btree ("entry_id");--> statement-breakpoint
CREATE INDEX "errands_shard_idx" ON "errands" USING btree ("shard","id");--> statement-breakpoint
CREATE INDEX "errands_action_idx" ON "errands" USING btree ("run_id","ordinal");--> statement-breakpoint
CREATE INDEX "run_tags_tag_idx" ON "run_tags" USING btree ("tag");--> statement-breakpoint
CREATE INDEX "actions_cache_entry_idx" ON "actions" USING btree ("cache_entry_id") WHERE "actions"."cache_entry_id" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "runs_parent_idx" ON "runs" USING btree ("parent_run_id","parent_ordinal","parent_attempt") WHERE "runs"."parent_run_id" is not null;