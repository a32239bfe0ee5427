import type { ClaimGrant } from "@skein/contracts";
import { SkeinError } from "@skein/errors";
import { fromBytes } from "@skein/idl";
import { type TaskTemplate, TaskTemplateSchema } from "@skein/idl/core";
import type { AttemptFolder } from "../ledger/attempt-folder.ts";
import type { Launch } from "../runtimes/runtime.ts";
import type { DataPlace } from "./data-place.ts";
import { taskEnvironment } from "./environment.ts";
import { CONTAINERS_HOST } from "./platform.ts";
import { resourceLimits } from "./resources.ts";
import type { StoreAccess } from "./store-environment.ts";
import { containerOf } from "./task-container.ts";
import { renderTemplate } from "./template.ts";

/** What the agent's configuration says about every launch. */
export interface LaunchSettings {
  readonly place: DataPlace;
  /** Undefined for file storage. */
  readonly store: StoreAccess | undefined;
  /** Where tasks reach the api. */
  readonly apiUrl: string;
  /** The start of a task's environment, for its folder. */
  readonly base: (folder: AttemptFolder) => Readonly<Record<string, string>>;
}

export const readTaskTemplate = (grant: ClaimGrant): TaskTemplate =>
  fromBytes(TaskTemplateSchema, Buffer.from(grant.taskTemplate, "base64"));

/** Whether outputs.pb must be there in the end. */
export const declaresOutputs = (template: TaskTemplate): boolean =>
  Object.keys(template.interface?.outputs?.variables ?? {}).length > 0;

/** Lays out what the attempt needs and says what to start; a SkeinError says why nothing can be. */
export async function prepareLaunch(
  folder: AttemptFolder,
  grant: ClaimGrant,
  settings: LaunchSettings,
): Promise<Launch> {
  const template = readTaskTemplate(grant);
  const container = containerOf(template, settings.place.takesPods);
  const { values, adapt, environment: ofPlace, ...places } = await settings.place.layOut(folder, grant, template);
  const environment = {
    ...ofPlace,
    ...taskEnvironment({
      grant,
      attempt: folder.id.attempt,
      taskId: template.id,
      container: container.env,
      store: settings.store,
      apiUrl: settings.apiUrl,
      base: settings.base(folder),
    }),
  };
  checkEnvironment(environment);
  const render = (words: readonly string[]): string[] => adapt(renderTemplate(words, values));
  return {
    folder,
    image: container.image,
    command: render(container.command),
    args: render(container.args),
    environment,
    callsHost: grant.platform !== null && new URL(settings.apiUrl).hostname === CONTAINERS_HOST,
    limits: resourceLimits(container.resources),
    secrets: [],
    template,
    grant,
    render,
    ...places,
  };
}

/** No system can pass such names and values on, and a zero byte would let them pose as options of the sandbox. */
function checkEnvironment(environment: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(environment)) {
    if (name !== "" && !/[=\0]/.test(name) && !value.includes("\0")) continue;
    throw new SkeinError(
      "invalid_argument",
      "environment_invalid",
      `The environment variable ${JSON.stringify(name)} cannot be set: a name is not empty and has no "=", and neither name nor value holds a zero byte`,
    );
  }
}
