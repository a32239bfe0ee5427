CREATE TYPE "public"."attribute_type" AS ENUM('task_resource', 'cluster_resource', 'execution_queue', 'execution_cluster_label', 'quality_of_service_specification', 'plugin_override', 'workflow_execution_config', 'cluster_assignment');--> statement-breakpoint
CREATE TABLE "attributes" (
	"org" text DEFAULT '' NOT NULL,
	"project" text NOT NULL,
	"domain" text DEFAULT '' NOT NULL,
	"workflow" text DEFAULT '' NOT NULL,
	"launch_plan" text DEFAULT '' NOT NULL,
	"type" "attribute_type" NOT NULL,
	"attributes" "bytea" NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "attributes_project_domain_workflow_launch_plan_type_pk" PRIMARY KEY("project","domain","workflow","launch_plan","type"),
	CONSTRAINT "attributes_scopes_nested" CHECK (("attributes"."workflow" = '' or "attributes"."domain" <> '') and ("attributes"."launch_plan" = '' or "attributes"."workflow" <> ''))
);
--> statement-breakpoint
ALTER TABLE "attributes" ADD CONSTRAINT "attributes_project_projects_id_fk" FOREIGN KEY ("project") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;