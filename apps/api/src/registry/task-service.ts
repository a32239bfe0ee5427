import { clone, create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type Db,
  findTask,
  insertTask,
  type ListQuery,
  listTasks,
  type TaskField,
  type TaskRow,
  type VersionId,
} from "@skein/db";
import { checkTask, type ResourceLimits, structureDiff, taskDigest } from "@skein/engine";
import { SkeinError } from "@skein/errors";
import { fromBytes, toBytes } from "@skein/idl";
import { type TaskClosure, TaskClosureSchema, type TaskSpec, TaskSpecSchema } from "@skein/idl/admin";
import { type CompiledTask, CompiledTaskSchema, ResourceType } from "@skein/idl/core";
import type { Call } from "../call.ts";
import type { ProjectService } from "../projects/project-service.ts";
import { differentExists, identicalExists, notRegistered } from "./conflicts.ts";
import { isSameDigest, sha256 } from "./digest.ts";
import { checkVersionId, entityKey, invalid, storableText, toIdentifier } from "./identity.ts";
import { lruCache } from "./lru-cache.ts";

/** One registered version of a task. */
export interface TaskView {
  readonly id: VersionId;
  readonly rowId: number;
  readonly type: string;
  readonly shortDescription: string;
  readonly closure: TaskClosure;
  readonly createdAt: Date;
  /** What the row weighs, which is about what an answer that holds it weighs. */
  readonly storedBytes: number;
}

/** Decoded tasks kept for compiles and launches; versions never change. */
const CACHED_MAX = 1_000;

export type TaskFinder = (id: VersionId) => Promise<TaskView | undefined>;

/** The most that a container of a project's tasks may ask for. */
export type FindTaskLimits = (id: Pick<VersionId, "project" | "domain">) => Promise<ResourceLimits>;

export type TaskService = ReturnType<typeof taskService>;

/** Rules for tasks (contract 5.1). */
export function taskService(db: Db, projects: ProjectService, findLimits: FindTaskLimits = async () => new Map()) {
  const cache = lruCache<TaskView>(CACHED_MAX);

  const find: TaskFinder = async (id) => {
    const key = entityKey(id);
    const cached = cache.get(key);
    if (cached) return cached;
    const row = await findTask(db, id);
    if (!row) return undefined;
    const view = toView(row);
    cache.set(key, view);
    return view;
  };

  return {
    /** Registers a version. Throws already_exists for the same content again, invalid_argument for other content. */
    async register(call: Call, id: VersionId, spec: TaskSpec): Promise<void> {
      checkVersionId(id);
      await projects.requireActive(call, id.project, id.domain);
      const compiled = compileTask(id, spec, await findLimits(id));
      const createdAt = new Date();
      const digest = sha256(taskDigest(compiled));
      const inserted = await insertTask(db, {
        ...id,
        type: compiled.template?.type ?? "",
        digest,
        shortDescription: storableText(spec.description?.shortDescription ?? ""),
        spec: toBytes(TaskSpecSchema, spec),
        closure: toBytes(
          TaskClosureSchema,
          create(TaskClosureSchema, { compiledTask: compiled, createdAt: timestampFromDate(createdAt) }),
        ),
        createdAt,
      });
      if (inserted) return;
      const existing = await findTask(db, id);
      if (!existing || isSameDigest(existing.digest, digest)) throw identicalExists("task", id);
      const before = toView(existing).closure.compiledTask ?? create(CompiledTaskSchema);
      throw differentExists("task", id, structureDiff(CompiledTaskSchema, before, compiled));
    },

    find,

    async get(_call: Call, id: VersionId): Promise<TaskView> {
      checkVersionId(id);
      const view = await find(id);
      if (!view) throw notRegistered("task", id);
      return view;
    },

    /** The spec as it was sent, with its documentation. */
    async getSpec(_call: Call, id: VersionId): Promise<TaskSpec> {
      checkVersionId(id);
      const row = await findTask(db, id);
      if (!row) throw notRegistered("task", id);
      return fromBytes(TaskSpecSchema, row.spec);
    },

    async list(_call: Call, query: ListQuery<TaskField>): Promise<TaskView[]> {
      return (await listTasks(db, query)).map(toView);
    },
  };
}

/** The template under the id that the request names, which wins over the one inside (contract 5.1). */
function compileTask(id: VersionId, spec: TaskSpec, limits: ResourceLimits): CompiledTask {
  if (!spec.template) throw invalid("spec.template", "is missing: a task needs a template");
  const template = clone(TaskSpecSchema, spec).template;
  if (template) template.id = toIdentifier(ResourceType.TASK, id);
  const compiled = create(CompiledTaskSchema, template ? { template } : {});
  const problems = checkTask(template ?? spec.template, limits);
  if (problems.length > 0) {
    throw new SkeinError(
      "invalid_argument",
      "task_invalid",
      `Task ${entityKey(id)} is invalid: ${problems.join("; ")}.`,
    );
  }
  return compiled;
}

const toView = (row: TaskRow): TaskView => ({
  id: { project: row.project, domain: row.domain, name: row.name, version: row.version },
  rowId: row.id,
  type: row.type,
  shortDescription: row.shortDescription,
  closure: fromBytes(TaskClosureSchema, row.closure),
  createdAt: row.createdAt,
  storedBytes: row.closure.length,
});
