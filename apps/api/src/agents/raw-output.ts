import { createHash } from "node:crypto";
import { fromBytes } from "@skein/idl";
import { ExecutionSpecSchema } from "@skein/idl/admin";
import type { Storage } from "@skein/storage";

const CHECKPOINT_FOLDER = "_flytecheckpoints";

/** A project's domain. */
interface Tenant {
  readonly project: string;
  readonly domain: string;
}

/** Where a tenant's tasks write their own files, unless their run says otherwise. */
export const tenantRawRoot = (storage: Pick<Storage, "join">, { project, domain }: Tenant): string =>
  storage.join("raw", project, domain);

/** Where the tasks of a run write their own files. */
export function rawRootOf(storage: Pick<Storage, "join">, tenant: Tenant, runSpec: Uint8Array): string {
  const { rawOutputDataConfig } = fromBytes(ExecutionSpecSchema, runSpec);
  return rawOutputDataConfig?.outputLocationPrefix || tenantRawRoot(storage, tenant);
}

interface Place {
  readonly runName: string;
  readonly actionName: string;
}

/** Where one attempt writes its own files. Spread over 256 folders, because object stores limit requests per prefix. */
export function rawOutputPrefix(rawRoot: string, { runName, actionName }: Place, attempt: number): string {
  const name = `${runName}-${actionName}-${attempt}`;
  const shard = createHash("sha256").update(name).digest("hex").slice(0, 2);
  return `${rawRoot.replace(/\/+$/, "")}/${shard}/${name}`;
}

/** Where one attempt leaves checkpoints. */
export const checkpointPrefix = (rawRoot: string, place: Place, attempt: number): string =>
  `${rawOutputPrefix(rawRoot, place, attempt)}/${CHECKPOINT_FOLDER}`;
