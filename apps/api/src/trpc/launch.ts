import { create, fromBinary } from "@bufbuild/protobuf";
import { SkeinError } from "@skein/errors";
import { ExecutionSpecSchema } from "@skein/idl/admin";
import {
  type LiteralMap,
  LiteralMapSchema,
  type ParameterMap,
  ParameterMapSchema,
  ResourceType,
} from "@skein/idl/core";
import { PRIORITY_MAX } from "@skein/launch";
import { z } from "zod";
import type { Call } from "../call.ts";
import type { LaunchRequest } from "../runs/launch-service.ts";
import type { Services } from "../services.ts";
import { InDomain, PlainJson, word } from "./inputs.ts";
import { literalsFromPlain } from "./literal-from-plain.ts";

const Target = z.object({
  project: word("project's id").optional(),
  domain: word("domain's id").optional(),
  name: word("name"),
  version: word("version").optional(),
});

/** How urgent a run is. */
export const Priority = z.int().min(-PRIORITY_MAX).max(PRIORITY_MAX);

/** What to launch: a launch plan (by default its active version) or a task (by default its newest version). */
export const LaunchInput = InDomain.extend({
  name: z.string().max(63).default(""),
  launchPlan: Target.optional(),
  task: Target.optional(),
  inputs: z.record(z.string(), PlainJson).optional(),
  /** A serialized `flyteidl.core.LiteralMap` in base64, for what JSON cannot say. */
  inputsProto: z.base64().optional(),
  labels: z.record(z.string(), z.string()).default({}),
  /** Settings of Skein's own among them: `skein.dev/queue-timeout`, `skein.dev/memory-on-oom`. */
  annotations: z.record(z.string(), z.string()).default({}),
  environment: z.record(z.string(), z.string()).default({}),
  /** Words to find the run by. */
  tags: z.array(word("tag")).max(100).default([]),
  overwriteCache: z.boolean().default(false),
  /** Orders of a run with a higher one go first. Left out: what its labels or its launch plan say, else 0. */
  priority: Priority.optional(),
  /** How many of the run's tasks may be under way at once; 0, which is the default, for what its launch plan says. */
  maxParallelism: z.int32().min(0).default(0),
})
  .refine(({ launchPlan, task }) => (launchPlan === undefined) !== (task === undefined), "give launchPlan or task")
  .refine(({ inputs, inputsProto }) => inputs === undefined || inputsProto === undefined, "give inputs or inputsProto");
export type LaunchInput = z.output<typeof LaunchInput>;

interface Launchable {
  readonly id: { readonly project: string; readonly domain: string; readonly name: string; readonly version: string };
  readonly resourceType: ResourceType;
  readonly expected: ParameterMap | undefined;
}

/** Resolves the version and gives the inputs their types. */
export async function readLaunch(services: Services, call: Call, input: LaunchInput): Promise<LaunchRequest> {
  const { id, resourceType, expected } = await findLaunchable(services, call, input);
  const spec = create(ExecutionSpecSchema, {
    launchPlan: { ...id, resourceType },
    labels: { values: input.labels },
    annotations: { values: input.annotations },
    envs: { values: Object.entries(input.environment).map(([key, value]) => ({ key, value })) },
    tags: input.tags,
    overwriteCache: input.overwriteCache,
    maxParallelism: input.maxParallelism,
  });
  const { project, domain, name, priority } = input;
  return { project, domain, name, spec, priority, inputs: readInputs(expected, input) };
}

function readInputs(expected: ParameterMap | undefined, { inputs, inputsProto }: LaunchInput): LiteralMap {
  if (inputsProto === undefined) return literalsFromPlain(expected, inputs ?? {});
  try {
    return fromBinary(LiteralMapSchema, Buffer.from(inputsProto, "base64"));
  } catch (error) {
    throw new SkeinError("invalid_argument", "invalid_input", "inputsProto: it is not a flyteidl.core.LiteralMap.", {
      cause: error,
    });
  }
}

async function findLaunchable({ registry }: Services, call: Call, input: LaunchInput): Promise<Launchable> {
  const { launchPlan, task } = input;
  const named = {
    project: launchPlan?.project ?? task?.project ?? input.project,
    domain: launchPlan?.domain ?? task?.domain ?? input.domain,
    name: launchPlan?.name ?? task?.name ?? "",
  };
  call.authorize("registry:read", named);
  if (launchPlan) {
    const { version } = launchPlan;
    const plan = await (version === undefined
      ? registry.launchPlans.getActive(call, named)
      : registry.launchPlans.get(call, { ...named, version }));
    return { id: plan.id, resourceType: ResourceType.LAUNCH_PLAN, expected: plan.closure.expectedInputs };
  }
  const version = task?.version ?? (await newestTask(registry, call, named));
  const view = await registry.tasks.get(call, { ...named, version });
  const variables = Object.entries(view.closure.compiledTask?.template?.interface?.inputs?.variables ?? {});
  const parameters = Object.fromEntries(variables.map(([name, variable]) => [name, { var: variable }]));
  return { id: view.id, resourceType: ResourceType.TASK, expected: create(ParameterMapSchema, { parameters }) };
}

async function newestTask(
  { tasks }: Services["registry"],
  call: Call,
  { project, domain, name }: { readonly project: string; readonly domain: string; readonly name: string },
): Promise<string> {
  const where = Object.entries({ project, domain, name }).map(([field, value]) => ({
    field: field as "project" | "domain" | "name",
    operator: "eq" as const,
    values: [value],
  }));
  const sort = { field: "createdAt", descending: true } as const;
  const [newest] = await tasks.list(call, { where, sort, limit: 1, offset: 0 });
  if (newest) return newest.id.version;
  throw new SkeinError("not_found", "task_not_found", `Task ${name} does not exist in ${project}/${domain}.`);
}
