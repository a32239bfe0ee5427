import { createHash } from "node:crypto";
import type { OpenPurge, PurgedAttempt } from "@skein/db/retention";
import { fromBytes } from "@skein/idl";
import { ExecutionSpecSchema } from "@skein/idl/admin";
import type { Storage } from "@skein/storage";

type Tenant = Pick<OpenPurge, "project" | "domain" | "name">;

/** A name that is one folder and nothing else, whatever path it becomes a part of. */
const isFolderName = (name: string): boolean => /^[^/\\]+$/.test(name) && name !== "." && name !== "..";

const isPlainTenant = ({ project, domain, name }: Tenant): boolean => [project, domain, name].every(isFolderName);

/** The folders that are a run's alone: what its tasks hand over, and its logs. */
export function foldersOfRun(storage: Pick<Storage, "join">, run: Tenant): string[] {
  if (!isPlainTenant(run)) return [];
  return ["meta", "logs"].map((kind) => storage.join(kind, run.project, run.domain, run.name));
}

/**
 * Where an attempt wrote files of its own, if that is a folder below the place that its project and domain have in the
 * storage; undefined for any other place, which may be anybody's.
 */
export function rawFolderOf(
  storage: Pick<Storage, "join">,
  purge: OpenPurge,
  { actionName, attempt }: Pick<PurgedAttempt, "actionName" | "attempt">,
): string | undefined {
  if (!isPlainTenant(purge) || !isFolderName(actionName)) return undefined;
  const own = storage.join("raw", purge.project, purge.domain);
  const asked = purge.spec && fromBytes(ExecutionSpecSchema, purge.spec).rawOutputDataConfig?.outputLocationPrefix;
  const root = (asked || own).replace(/\/+$/, "");
  if (root !== own && !root.startsWith(`${own}/`)) return undefined;
  const name = `${purge.name}-${actionName}-${attempt}`;
  const shard = createHash("sha256").update(name).digest("hex").slice(0, 2);
  return `${root}/${shard}/${name}`;
}

/** The folders around an object, from the run's own folder down. */
export function foldersAround(folder: string, uri: string): string[] {
  const steps = uri.slice(folder.length + 1).split("/");
  return steps.map((_, depth) => [folder, ...steps.slice(0, depth)].join("/"));
}
