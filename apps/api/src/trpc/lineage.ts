import type { ArtifactUse, LineageAction } from "@skein/db";
import { z } from "zod";
import { readFlyteUrl } from "../data-proxy/flyte-url.ts";
import type { Lineage } from "../lineage/lineage-service.ts";
import { procedure, router } from "./base.ts";
import { ByName, InDomain, Page, pageOf, word } from "./inputs.ts";

const URI_LENGTH_MAX = 4_096;

/** The project and domain are the caller's own: where it must at least be allowed to read runs. */
const Artifact = InDomain.extend({
  uri: z
    .string("must be the object's URI")
    .min(1)
    .max(URI_LENGTH_MAX)
    .refine((text) => !text.includes("\u0000"), "must not hold a NUL character")
    .optional(),
  /** The id of cached outputs. */
  cacheEntry: z.uuid("must be the id of a cache entry").optional(),
  flyteUrl: word("flyte:// URL").optional(),
  limit: Page.shape.limit,
}).refine(
  ({ uri, cacheEntry, flyteUrl }) => [uri, cacheEntry, flyteUrl].filter((given) => given !== undefined).length === 1,
  "give one of uri, cacheEntry and flyteUrl",
);

const toActionJson = ({ project, domain, run, action, taskKey, phase, endedAt }: LineageAction) => ({
  project,
  domain,
  run,
  action,
  taskKey,
  phase,
  endedAt: endedAt?.toISOString() ?? null,
});

const toLineageJson = ({ uri, madeBy, usedBy, hasMore }: Lineage) => ({
  uri,
  madeBy: madeBy.map(toActionJson),
  usedBy: usedBy.map(toActionJson),
  hasMore,
});

const toUseJson = ({ side, variable, uri, ...action }: ArtifactUse) => ({
  ...toActionJson(action),
  isMade: side === "outputs",
  variable,
  uri,
});

/** Which runs made and used what. */
export const lineageRouter = router({
  /** Of an object, of cached outputs, or of every object in a value. What the caller may not read is left out. */
  ofArtifact: procedure.input(Artifact).query(async ({ ctx, input: { uri, cacheEntry, flyteUrl, limit } }) => {
    const { lineage } = ctx.services;
    if (uri !== undefined) return { items: [toLineageJson(await lineage.ofUri(ctx.call, uri, limit))] };
    if (cacheEntry !== undefined) {
      return { items: [toLineageJson(await lineage.ofCacheEntry(ctx.call, cacheEntry, limit))] };
    }
    const target = readFlyteUrl(flyteUrl ?? "");
    ctx.call.authorize("data:read", { project: target.project, domain: target.domain });
    return { items: (await lineage.ofValue(ctx.call, target, limit)).map(toLineageJson) };
  }),

  /** The objects that a run made and used, in the order of its actions. */
  ofRun: procedure.input(ByName.extend(Page.shape)).query(async ({ ctx, input: { limit, cursor, ...run } }) => {
    const uses = await ctx.services.lineage.ofRun(ctx.call, run, { limit, offset: cursor });
    return pageOf(uses.map(toUseJson), { limit, cursor });
  }),
});
