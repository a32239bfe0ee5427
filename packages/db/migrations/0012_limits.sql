ALTER TYPE "public"."timer_kind" ADD VALUE 'queue';--> statement-breakpoint
ALTER TYPE "public"."timer_kind" ADD VALUE 'total';--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "memory_growth" text DEFAULT '' NOT NULL;