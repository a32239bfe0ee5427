CREATE TYPE "public"."delivery_outcome" AS ENUM('waiting', 'delivered', 'failed');--> statement-breakpoint
CREATE TYPE "public"."target_kind" AS ENUM('email', 'slack', 'webhook');--> statement-breakpoint
CREATE TABLE "deliveries" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"org" text DEFAULT '' NOT NULL,
	"project" text NOT NULL,
	"domain" text NOT NULL,
	"run_id" uuid NOT NULL,
	"run_name" text NOT NULL,
	"source" text NOT NULL,
	"rule_id" bigint,
	"kind" "target_kind" NOT NULL,
	"addresses" text[] NOT NULL,
	"message" jsonb NOT NULL,
	"outcome" "delivery_outcome" DEFAULT 'waiting' NOT NULL,
	"tries" integer DEFAULT 0 NOT NULL,
	"last_error" text,
	"due_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "deliveries_source" UNIQUE("run_id","source"),
	CONSTRAINT "deliveries_ended_iff_not_waiting" CHECK (("deliveries"."outcome" = 'waiting') = ("deliveries"."ended_at" is null))
);
--> statement-breakpoint
CREATE TABLE "notification_rules" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "notification_rules_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"org" text DEFAULT '' NOT NULL,
	"project" text NOT NULL,
	"domain" text DEFAULT '' NOT NULL,
	"name" text NOT NULL,
	"launch_plan" text DEFAULT '' NOT NULL,
	"workflow" text DEFAULT '' NOT NULL,
	"phases" "run_phase"[] NOT NULL,
	"kind" "target_kind" NOT NULL,
	"addresses" text[] NOT NULL,
	"host" text DEFAULT '' NOT NULL,
	"sealed" "bytea",
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "notification_rules_name" UNIQUE("org","project","domain","name"),
	CONSTRAINT "notification_rules_sealed_iff_no_mail" CHECK (("notification_rules"."kind" = 'email') = ("notification_rules"."sealed" is null))
);
--> statement-breakpoint
CREATE TABLE "run_endings" (
	"run_id" uuid PRIMARY KEY NOT NULL,
	"ended_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "deliveries" ADD CONSTRAINT "deliveries_rule_id_notification_rules_id_fk" FOREIGN KEY ("rule_id") REFERENCES "public"."notification_rules"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "deliveries_due_idx" ON "deliveries" USING btree ("due_at") WHERE "deliveries"."outcome" = 'waiting';--> statement-breakpoint
CREATE INDEX "deliveries_newest_idx" ON "deliveries" USING btree ("project","domain","created_at" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "deliveries_rule_idx" ON "deliveries" USING btree ("rule_id") WHERE "deliveries"."rule_id" is not null;