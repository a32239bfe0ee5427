import { SIGNED_URL_PATH, type Storage } from "@skein/storage";
import type { FastifyInstance } from "fastify";
import type { Access } from "../access.ts";
import type { PublishError } from "../errors.ts";
import { guarded } from "./guarded.ts";

/** Signed URLs of file storage. The store reads the body itself, so that a large file is never in memory. */
export function mountUploads(
  app: FastifyInstance,
  options: {
    readonly access: Access;
    readonly publishError: PublishError;
    readonly storage: Pick<Storage, "serveSigned">;
  },
): void {
  const { access, publishError, storage } = options;
  const { serveSigned } = storage;
  if (!serveSigned) return;
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
    const serve = (route: "GET /uploads/*" | "PUT /uploads/*") =>
      guarded(access, route, async (request, reply, { correlationId }) => {
        reply.hijack();
        await serveSigned(request.raw, reply.raw, (error) => publishError(error, correlationId));
      });
    scope.get(`${SIGNED_URL_PATH}*`, serve("GET /uploads/*"));
    scope.put(`${SIGNED_URL_PATH}*`, serve("PUT /uploads/*"));
  });
}
