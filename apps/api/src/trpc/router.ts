import { agentRouter } from "./agent.ts";
import { agentsRouter, poolsRouter } from "./agents.ts";
import { attributesRouter } from "./attributes.ts";
import { backfillsRouter } from "./backfills.ts";
import { router } from "./base.ts";
import { cacheRouter } from "./cache.ts";
import { dataRouter } from "./data.ts";
import { lineageRouter } from "./lineage.ts";
import { namedEntitiesRouter } from "./named-entities.ts";
import { notificationsRouter } from "./notifications.ts";
import { projectsRouter } from "./projects.ts";
import { launchPlansRouter, tasksRouter, workflowsRouter } from "./registry.ts";
import { purgesRouter, retentionRouter } from "./retention.ts";
import { runsRouter } from "./runs.ts";
import { schedulesRouter } from "./schedules.ts";
import { secretsRouter } from "./secrets.ts";
import { signalsRouter } from "./signals.ts";
import { systemRouter } from "./system.ts";

/** The typed API. Clients import its type; every procedure needs a row in the permission table. */
export const appRouter = router({
  projects: projectsRouter,
  attributes: attributesRouter,
  tasks: tasksRouter,
  workflows: workflowsRouter,
  launchPlans: launchPlansRouter,
  namedEntities: namedEntitiesRouter,
  runs: runsRouter,
  purges: purgesRouter,
  retention: retentionRouter,
  notifications: notificationsRouter,
  secrets: secretsRouter,
  schedules: schedulesRouter,
  backfills: backfillsRouter,
  signals: signalsRouter,
  lineage: lineageRouter,
  cache: cacheRouter,
  data: dataRouter,
  agents: agentsRouter,
  pools: poolsRouter,
  agent: agentRouter,
  system: systemRouter,
});

export type AppRouter = typeof appRouter;
