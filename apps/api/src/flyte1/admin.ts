import type { Services } from "../services.ts";
import type { AdminHandlers } from "./admin-handlers.ts";
import { attributeHandlers } from "./attribute-handlers.ts";
import { descriptionHandlers } from "./description-handlers.ts";
import { executionHandlers } from "./execution-handlers.ts";
import { launchPlanHandlers } from "./launch-plan-handlers.ts";
import { metricsHandlers } from "./metrics-handlers.ts";
import { namedEntityHandlers } from "./named-entity-handlers.ts";
import { nodeExecutionHandlers } from "./node-execution-handlers.ts";
import { projectHandlers } from "./project-handlers.ts";
import { taskExecutionHandlers } from "./task-execution-handlers.ts";
import { taskHandlers } from "./task-handlers.ts";
import { workflowHandlers } from "./workflow-handlers.ts";

/** Flyte 1's AdminService. Translates and delegates; every rule lives in the services. */
export const adminHandlers = (services: Services): AdminHandlers => ({
  ...projectHandlers(services),
  ...taskHandlers(services),
  ...workflowHandlers(services),
  ...launchPlanHandlers(services),
  ...namedEntityHandlers(services),
  ...descriptionHandlers(services),
  ...executionHandlers(services),
  ...metricsHandlers(services),
  ...nodeExecutionHandlers(services),
  ...taskExecutionHandlers(services),
  ...attributeHandlers(services),
  getVersion: async () => ({
    controlPlaneVersion: { Build: "skein", Version: services.config.version, BuildTime: "" },
  }),
});
