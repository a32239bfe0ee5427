import { create, toBinary } from "@bufbuild/protobuf";
import { durationFromMs, type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { LiteralMapSchema, LiteralSchema } from "@skein/idl/core";
import {
  ArtifactType,
  CreateDownloadLinkRequestSchema,
  CreateDownloadLocationRequestSchema,
  CreateUploadLocationRequestSchema,
  GetDataRequestSchema,
} from "@skein/idl/service";
import { z } from "zod";
import { dataProxyDependencies } from "../data-proxy/data-proxy-handlers.ts";
import { createDownloadLink, createDownloadLocation } from "../data-proxy/download.ts";
import { readFlyteUrl } from "../data-proxy/flyte-url.ts";
import { getData } from "../data-proxy/get-data.ts";
import { createUploadLocation } from "../data-proxy/upload-location.ts";
import { procedure, router } from "./base.ts";
import { ByAction, InDomain, word } from "./inputs.ts";
import { toPlain, toPlainMap } from "./plain-literal.ts";

/** How long a signed URL lives; as long as the server allows where it is left out. */
const Expiring = z.object({ expiresInSeconds: z.int("must be whole seconds").min(1).optional() });
type Expiring = z.output<typeof Expiring>;

const Upload = InDomain.extend(Expiring.shape).extend({
  filename: z.string("must be a file's name").default(""),
  /** The folder of the file. Files without one are placed by their MD5. */
  filenameRoot: z.string("must be a folder's name").default(""),
  contentMd5: z
    .base64("must be the MD5 in base64")
    .refine((text) => Buffer.from(text, "base64").length === 16, "must be the 16 bytes of an MD5 in base64")
    .optional(),
  addContentMd5Metadata: z.boolean("must be true or false").default(false),
});

const MS = 1_000;
const lifeOf = ({ expiresInSeconds }: Expiring) =>
  expiresInSeconds === undefined ? {} : { expiresIn: durationFromMs(expiresInSeconds * MS) };

const dateOf = (at: Timestamp): string => timestampDate(at).toISOString();
const base64Of = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** Signed URLs into the object store, and values by `flyte://` URL. */
export const dataRouter = router({
  createUploadLocation: procedure.input(Upload).mutation(async ({ ctx, input }) => {
    const { contentMd5 = "", ...rest } = input;
    const request = create(CreateUploadLocationRequestSchema, {
      ...rest,
      ...lifeOf(input),
      contentMd5: Buffer.from(contentMd5, "base64"),
    });
    const place = await createUploadLocation(dataProxyDependencies(ctx.services), request, ctx.call);
    return { ...place, expiresAt: dateOf(place.expiresAt) };
  }),

  /** A signed URL of any object of our store. It is nobody's in particular, so a project that the input names is no reason. */
  createDownloadLocation: procedure
    .input(Expiring.extend({ nativeUrl: word("object's URI") }))
    .mutation(async ({ ctx, input }) => {
      ctx.call.authorize("data:read", {});
      const request = create(CreateDownloadLocationRequestSchema, { nativeUrl: input.nativeUrl, ...lifeOf(input) });
      const { signedUrl, expiresAt } = await createDownloadLocation(dataProxyDependencies(ctx.services), request);
      return { signedUrl, expiresAt: dateOf(expiresAt) };
    }),

  /** Signed URLs of an action's deck. */
  createDownloadLink: procedure.input(ByAction.extend(Expiring.shape)).mutation(async ({ ctx, input }) => {
    const { action: nodeId, project, domain, name } = input;
    const request = create(CreateDownloadLinkRequestSchema, {
      artifactType: ArtifactType.DECK,
      source: { case: "nodeExecutionId", value: { nodeId, executionId: { project, domain, name } } },
      ...lifeOf(input),
    });
    const link = await createDownloadLink(dataProxyDependencies(ctx.services), request, ctx.call);
    return { signedUrls: link.signedUrl, expiresAt: dateOf(link.expiresAt) };
  }),

  /** What a `flyte://` URL points at. Whose it is stands in the URL. */
  get: procedure.input(z.object({ flyteUrl: word("flyte:// URL") })).query(async ({ ctx, input: { flyteUrl } }) => {
    const { project, domain, artifact } = readFlyteUrl(flyteUrl);
    ctx.call.authorize("data:read", { project, domain });
    const request = create(GetDataRequestSchema, { flyteUrl });
    const { data } = await getData(dataProxyDependencies(ctx.services), request, ctx.call);
    switch (data.case) {
      case "literalMap":
        return {
          kind: "values" as const,
          values: toPlainMap(data.value),
          proto: base64Of(toBinary(LiteralMapSchema, data.value)),
        };
      case "literal":
        return {
          kind: "value" as const,
          value: toPlain(data.value),
          proto: base64Of(toBinary(LiteralSchema, data.value)),
        };
      case "preSignedUrls":
        return {
          // Values that no answer has room for are a file too: a serialized literal map.
          kind: artifact === "deck" ? ("deck" as const) : ("download" as const),
          signedUrls: data.value.signedUrl,
          expiresAt: dateOf(data.value.expiresAt),
        };
      default:
        return data satisfies never;
    }
  }),
});
