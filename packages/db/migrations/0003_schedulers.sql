CREATE TABLE "schedulers" (
	"id" text PRIMARY KEY NOT NULL,
	"lease_expires_at" timestamp (3) with time zone NOT NULL
);
