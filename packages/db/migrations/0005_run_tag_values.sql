ALTER TABLE "run_tags" ADD COLUMN "value" text DEFAULT '' NOT NULL;--> statement-breakpoint
DROP INDEX "run_tags_tag_idx";--> statement-breakpoint
ALTER TABLE "run_tags" DROP CONSTRAINT "run_tags_run_id_tag_pk";--> statement-breakpoint
ALTER TABLE "run_tags" ADD CONSTRAINT "run_tags_run_id_tag_value_pk" PRIMARY KEY("run_id","tag","value");--> statement-breakpoint
CREATE INDEX "run_tags_tag_idx" ON "run_tags" USING btree ("tag","value");
