import {
  type ArtifactUse,
  type Db,
  findArtifactTenants,
  findCacheEntry,
  findCacheSource,
  findCacheTenants,
  type LineageAction,
  type LineageTenant,
  listArtifactsOfRun,
  listArtifactUses,
  listCacheUses,
  type NameId,
} from "@skein/db";
import { artifactUris } from "@skein/engine";
import { SkeinError } from "@skein/errors";
import { type Call, isAllowed } from "../call.ts";
import type { FlyteUrl } from "../data-proxy/flyte-url.ts";
import type { ActionId } from "../runs/action-service.ts";
import type { InputsAndOutputs } from "../values/readable-values.ts";

/** Who made something and who used it, as far as the caller may know. */
export interface Lineage {
  /** The object; null for values that are no objects. */
  readonly uri: string | null;
  /** The first ones first: what another action made again at the same place comes after it. */
  readonly madeBy: readonly LineageAction[];
  /** The last ones first. */
  readonly usedBy: readonly LineageAction[];
  /** More used it than are told. */
  readonly hasMore: boolean;
}

export interface LineageDependencies {
  readonly db: Db;
  readonly getRun: (call: Call, id: NameId) => Promise<{ readonly id: string }>;
  readonly readValues: (call: Call, id: ActionId) => Promise<InputsAndOutputs>;
  readonly describe: (call: Call, id: ActionId) => Promise<Pick<LineageAction, "taskKey" | "phase" | "endedAt">>;
}

/** A value may be a list of very many objects. */
const URIS_MAX = 100;

/** Reads which actions made and used objects and cached outputs. What belongs to others is left out. */
export function lineageService({ db, getRun, readValues, describe }: LineageDependencies) {
  const ofUri = async (call: Call, uri: string, limit: number): Promise<Lineage> => {
    const tenants = readable(call, await findArtifactTenants(db, uri));
    const [madeBy, usedBy] = await Promise.all([
      listArtifactUses(db, uri, "outputs", tenants, limit),
      listArtifactUses(db, uri, "inputs", tenants, limit + 1),
    ]);
    return { uri, madeBy, usedBy: usedBy.slice(0, limit), hasMore: usedBy.length > limit };
  };

  return {
    ofUri,

    /** The objects in a value; a value without any was made by its own action. */
    async ofValue(call: Call, target: FlyteUrl, limit: number): Promise<Lineage[]> {
      const { project, domain, run, action, artifact, variable } = target;
      if (artifact === "deck") throw invalid("flyteUrl", "a deck is nobody's input: name inputs or outputs");
      const id = { project, domain, name: run, action };
      const { literals } = (await readValues(call, id))[artifact];
      const wanted = Object.entries(literals).filter(([name]) => variable === undefined || name === variable);
      const uris = [...new Set(wanted.flatMap(([, literal]) => artifactUris(literal)))].filter((uri) => uri !== "");
      if (uris.length > 0) return Promise.all(uris.slice(0, URIS_MAX).map((uri) => ofUri(call, uri, limit)));
      const self = { project, domain, run, action, ...pick(await describe(call, id)) };
      const [madeBy, usedBy] = artifact === "outputs" ? [[self], []] : [[], [self]];
      return [{ uri: null, madeBy, usedBy, hasMore: false }];
    },

    async ofCacheEntry(call: Call, entryId: string, limit: number): Promise<Lineage> {
      const entry = await findCacheEntry(db, entryId);
      if (!entry || readable(call, [entry]).length === 0) {
        throw new SkeinError("not_found", "cache_entry_not_found", `There is no cache entry ${entryId}.`);
      }
      const [source, tenants] = await Promise.all([findCacheSource(db, entry), findCacheTenants(db, entryId)]);
      const usedBy = await listCacheUses(db, entryId, readable(call, tenants), limit + 1);
      const madeBy = source && readable(call, [source]).length > 0 ? [source] : [];
      return { uri: entry.uri, madeBy, usedBy: usedBy.slice(0, limit), hasMore: usedBy.length > limit };
    },

    async ofRun(call: Call, run: NameId, page: { limit: number; offset: number }): Promise<ArtifactUse[]> {
      const { id } = await getRun(call, run);
      return listArtifactsOfRun(db, id, page);
    },
  };
}

const pick = ({ taskKey, phase, endedAt }: Pick<LineageAction, "taskKey" | "phase" | "endedAt">) => ({
  taskKey,
  phase,
  endedAt,
});

/** Those of the tenants whose runs the caller may read. */
function readable(call: Call, tenants: readonly LineageTenant[]): LineageTenant[] {
  return tenants.filter(({ project, domain }) => isAllowed(call, "run:read", { project, domain }));
}

const invalid = (field: string, problem: string): SkeinError =>
  new SkeinError("invalid_argument", "lineage_request_invalid", `${field}: ${problem}.`);
