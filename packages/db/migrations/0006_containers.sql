CREATE TABLE "secrets" (
	"org" text DEFAULT '' NOT NULL,
	"project" text DEFAULT '' NOT NULL,
	"domain" text DEFAULT '' NOT NULL,
	"group" text NOT NULL,
	"key" text NOT NULL,
	"version" integer NOT NULL,
	"key_id" text NOT NULL,
	"data_key" "bytea" NOT NULL,
	"ciphertext" "bytea" NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "secrets_org_project_domain_group_key_version_pk" PRIMARY KEY("org","project","domain","group","key","version")
);
--> statement-breakpoint
ALTER TABLE "agents" ADD COLUMN "is_cordoned" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "agents" ADD COLUMN "labels" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "waiting_reason" text;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "image_digest" text;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "log_uri" text;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "log_bytes" bigint;