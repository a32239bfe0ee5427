-- Postgres reads an index in order only where the NULLS side agrees: "order by created_at desc" means nulls first.
DROP INDEX "commands_next_idx";--> statement-breakpoint
DROP INDEX "runs_newest_idx";--> statement-breakpoint
CREATE INDEX "commands_next_idx" ON "commands" USING btree ("pool","priority" DESC NULLS FIRST,"id");--> statement-breakpoint
CREATE INDEX "runs_newest_idx" ON "runs" USING btree ("project","domain","created_at");