import { type PolicyBook, type TaskResources, taskResourcesOf } from "@skein/launch";

/** What holds for tasks of a run. */
export type FindTaskResources = (run: {
  readonly project: string;
  readonly domain: string;
  /** `project:domain:name:version` of the run's workflow. */
  readonly workflowKey: string;
}) => Promise<TaskResources>;

/** Goes by what is set for the run's project, else by the server's own word. */
export const findTaskResources =
  (book: PolicyBook, server: TaskResources): FindTaskResources =>
  async ({ project, domain, workflowKey }) => {
    const workflow = workflowKey.split(":").slice(2, -1).join(":");
    return taskResourcesOf(await book.of(project), { domain, workflow, launchPlan: "" }, server);
  };
