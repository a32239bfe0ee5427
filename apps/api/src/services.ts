import type { Db, Notifier } from "@skein/db";
import {
  NO_TASK_RESOURCES,
  openLimitBook,
  openPolicyBook,
  runStarter,
  type TaskResources,
  taskResourcesOf,
} from "@skein/launch";
import type { Keyring } from "@skein/secrets";
import type { Storage } from "@skein/storage";
import { poolService } from "./agents/pool-service.ts";
import { attributeService } from "./attributes/attribute-service.ts";
import { catalogService } from "./catalog/catalog-service.ts";
import { evictionService } from "./catalog/eviction-service.ts";
import { lineageService } from "./lineage/lineage-service.ts";
import { notificationService } from "./notifications/notification-service.ts";
import { type ProjectSeeds, projectService } from "./projects/project-service.ts";
import { launchPlanFinder, launchPlanService } from "./registry/launch-plan-service.ts";
import { namedEntityService } from "./registry/named-entity-service.ts";
import { taskService } from "./registry/task-service.ts";
import { workflowService } from "./registry/workflow-service.ts";
import { purgeService } from "./retention/purge-service.ts";
import { retentionService } from "./retention/retention-service.ts";
import { actionService } from "./runs/action-service.ts";
import { launcher } from "./runs/launch-service.ts";
import { launchTargets } from "./runs/launch-target.ts";
import { rawOutputRule } from "./runs/raw-output-rule.ts";
import { runService } from "./runs/run-service.ts";
import { whyService } from "./runs/why/why-service.ts";
import { backfillService } from "./schedules/backfill-service.ts";
import { scheduleService } from "./schedules/schedule-service.ts";
import { secretService } from "./secrets/secret-service.ts";
import { signalService } from "./signals/signal-service.ts";

/** Facts about this server that answers repeat. */
export interface ServicesConfig {
  /** Where users reach us, without a trailing slash: links in answers begin with it. */
  readonly publicUrl: string;
  /** Of this release. */
  readonly version: string;
  /** What runs say about where they ran. */
  readonly cluster: string;
  /** Folders of object stores where runs may write raw outputs besides the storage. */
  readonly rawOutputPrefixes?: readonly string[];
  /** What holds for tasks of projects for which nothing is set. */
  readonly taskResources?: TaskResources;
  /** How many tasks of a run may be under way at once, where nobody says; 0, which is the default, for any number. */
  readonly maxParallelism?: number;
}

export interface ServicesOptions {
  readonly db: Db;
  readonly storage: Storage;
  readonly notifier: Notifier;
  /** What encrypts the secrets that people keep here. */
  readonly keyring: Keyring;
  /** The server's own: encrypts what its processes keep for each other. */
  readonly secretKey: string;
  readonly config: ServicesConfig;
}

/** What every new server has, and what Flyte's clients expect to find. */
export const DEFAULT_SEEDS: ProjectSeeds = {
  domains: [
    { id: "development", name: "development" },
    { id: "staging", name: "staging" },
    { id: "production", name: "production" },
  ],
  projects: ["flytesnacks"],
};

export type Services = ReturnType<typeof createServices>;

/** All rules of the api over one database, for every transport. */
export function createServices({ db, storage, notifier, keyring, secretKey, config }: ServicesOptions) {
  const projects = projectService(db);
  const checkRawOutput = rawOutputRule(storage.rootUri, config.rawOutputPrefixes ?? []);
  const policies = openPolicyBook(db.$client);
  const limits = openLimitBook(db.$client);
  const { taskResources = NO_TASK_RESOURCES } = config;
  const tasks = taskService(db, projects, async ({ project, domain }) => {
    const scope = { domain, workflow: "", launchPlan: "" };
    return taskResourcesOf(await policies.of(project), scope, taskResources).limits;
  });
  const findLaunchPlan = launchPlanFinder(db);
  const workflows = workflowService(db, projects, tasks, findLaunchPlan);
  const launchPlans = launchPlanService({
    db,
    projects,
    checkRawOutput,
    find: findLaunchPlan,
    findWorkflow: workflows.find,
    limits,
  });
  const findTarget = launchTargets({ tasks, workflows, launchPlans });
  const maxParallelism = config.maxParallelism ?? 0;
  const startRun = runStarter(db.$client, storage, { maxParallelism, policies, limits });
  const launch = launcher({ db, notifier, projects, checkRawOutput, policies, findTarget, startRun });
  const runs = runService({ db, storage, notifier, launch });
  const actions = actionService(db, storage);
  return {
    config,
    storage,
    projects,
    policies,
    attributes: attributeService({ db, projects, policies, checkRawOutput, maxParallelism }),
    registry: { tasks, workflows, launchPlans, namedEntities: namedEntityService(db) },
    runs,
    notifications: notificationService({ db, projects, secretKey }),
    actions,
    pools: poolService(db),
    catalog: catalogService(db, storage),
    purges: purgeService({ db, notifier, getRun: runs.get }),
    retention: retentionService(db, projects),
    cache: evictionService({ db, notifier, getRun: runs.get }),
    lineage: lineageService({ db, getRun: runs.get, readValues: actions.data, describe: actions.get }),
    schedules: scheduleService(db),
    backfills: backfillService({ db, projects, launchPlans }),
    secrets: secretService({ db, keyring, projects }),
    why: whyService({ db, getRun: runs.get, getAction: actions.get }),
    signals: signalService({ db, notifier, getRun: runs.get, findNode: actions.node }),
  };
}
