CREATE TABLE "launch_plan_limits" (
	"project" text NOT NULL,
	"domain" text NOT NULL,
	"name" text NOT NULL,
	"runs_max" integer NOT NULL,
	"when_full" text NOT NULL,
	"updated_by" text NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "launch_plan_limits_project_domain_name_pk" PRIMARY KEY("project","domain","name"),
	CONSTRAINT "launch_plan_limits_runs_max" CHECK ("launch_plan_limits"."runs_max" >= 0),
	CONSTRAINT "launch_plan_limits_when_full" CHECK ("launch_plan_limits"."when_full" in ('skip', 'queue', 'replace'))
);
--> statement-breakpoint
CREATE TABLE "pool_shares" (
	"pool" text NOT NULL,
	"project" text NOT NULL,
	"weight" integer DEFAULT 1 NOT NULL,
	"running_max" integer,
	"updated_by" text NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "pool_shares_pool_project_pk" PRIMARY KEY("pool","project"),
	CONSTRAINT "pool_shares_weight" CHECK ("pool_shares"."weight" between 1 and 1000),
	CONSTRAINT "pool_shares_running_max" CHECK ("pool_shares"."running_max" >= 0)
);
--> statement-breakpoint
CREATE TABLE "waiting_runs" (
	"run_id" uuid PRIMARY KEY NOT NULL,
	"project" text NOT NULL,
	"domain" text NOT NULL,
	"name" text NOT NULL,
	"runs_max" integer NOT NULL,
	"priority" smallint DEFAULT 0 NOT NULL,
	"id" bigint GENERATED ALWAYS AS IDENTITY (sequence name "waiting_runs_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
DROP INDEX "commands_next_idx";--> statement-breakpoint
ALTER TABLE "commands" DROP CONSTRAINT "commands_pkey";--> statement-breakpoint
ALTER TABLE "commands" ADD CONSTRAINT "commands_run_id_ordinal_attempt_pk" PRIMARY KEY("run_id","ordinal","attempt");--> statement-breakpoint
ALTER TABLE "commands" ADD COLUMN "project" text DEFAULT '' NOT NULL;--> statement-breakpoint
UPDATE "commands" c SET "project" = r."project" FROM "runs" r WHERE r."id" = c."run_id";--> statement-breakpoint
ALTER TABLE "commands" ADD COLUMN "published_at" timestamp (3) with time zone;--> statement-breakpoint
CREATE INDEX "waiting_runs_next_idx" ON "waiting_runs" USING btree ("project","domain","name","priority","id");--> statement-breakpoint
CREATE INDEX "commands_waiting_idx" ON "commands" USING btree ("pool","kind","priority","project","id") WHERE "commands"."published_at" is null;--> statement-breakpoint
CREATE INDEX "commands_published_idx" ON "commands" USING btree ("pool","project") WHERE "commands"."published_at" is not null;