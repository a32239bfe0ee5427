import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { SkeinError, TRANSPORT_CODES } from "@skein/errors";
import { objectTooLarge, uriOf } from "./object-uri.ts";
import { readGrant, type SignedGrant } from "./signed-token.ts";
import { SIGNED_URL_PATH, type Storage } from "./storage.ts";

const CONTENT_TYPES: Record<string, string> = { html: "text/html; charset=utf-8", json: "application/json" };

/** The handler behind signed URLs of `storage`: PUT stores what the grant permits, GET sends the object. */
export function signedUrlServer(storage: Storage, secretKey: string): NonNullable<Storage["serveSigned"]> {
  return async (request, response, publish) => {
    const { socket } = request;
    try {
      const path = new URL(request.url ?? "/", "http://storage").pathname;
      const token = path.slice(path.indexOf(SIGNED_URL_PATH) + SIGNED_URL_PATH.length).split("/")[0] ?? "";
      const grant = readGrant(secretKey, token, Date.now());
      const method = request.method === "HEAD" ? "GET" : request.method;
      if (method !== grant.method) {
        throw new SkeinError("permission_denied", "signed_method_differs", `This URL was signed for ${grant.method}.`);
      }
      if (grant.method === "PUT") await receive(storage, grant, request, response);
      else await send(storage, grant, request, response);
    } catch (error) {
      // Nobody is left to tell, and a client that went away is no failure of ours.
      if (socket.destroyed) response.destroy();
      else answerError(request, response, publish(error));
    }
  };
}

async function receive(storage: Storage, grant: SignedGrant, request: IncomingMessage, response: ServerResponse) {
  const [contentMd5] = [request.headers["content-md5"]].flat();
  if (grant.md5 !== undefined && contentMd5 !== grant.md5) {
    throw badDigest("the Content-MD5 header is not the one that the URL was signed for");
  }
  const bytesMax = grant.contentLengthMax ?? Number.POSITIVE_INFINITY;
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) throw objectTooLarge(grant.key, bytesMax);
  const checked = checkContent(grant.key, bytesMax, contentMd5);
  const stored = storage.put(uriOf(storage.rootUri, grant.key), checked);
  // The checker hands every failure of the request on to `put`, which then stores nothing.
  await Promise.all([pipeline(request, checked), stored]);
  response.writeHead(200, { "content-length": 0, etag: `"${grant.md5 ?? ""}"` }).end();
}

/** Passes bytes through and fails at the end, before anything is stored, when they are not the promised ones. */
function checkContent(key: string, bytesMax: number, contentMd5: string | undefined): Transform {
  const md5 = createHash("md5");
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      md5.update(chunk);
      if (bytes > bytesMax) done(objectTooLarge(key, bytesMax));
      else done(null, chunk);
    },
    flush(done) {
      const isRight = contentMd5 === undefined || md5.digest("base64") === contentMd5;
      done(isRight ? null : badDigest("the content does not have the MD5 that the Content-MD5 header names"));
    },
  });
}

async function send(storage: Storage, grant: SignedGrant, request: IncomingMessage, response: ServerResponse) {
  const uri = uriOf(storage.rootUri, grant.key);
  const info = await storage.head(uri);
  const extension = /\.([a-z]+)$/.exec(grant.key)?.[1] ?? "";
  const stream = await storage.getStream(uri);
  response.writeHead(200, {
    "content-type": CONTENT_TYPES[extension] ?? "application/octet-stream",
    "content-length": info?.sizeBytes ?? 0,
    // A deck is HTML that a task wrote: it may run its own scripts, but in an origin of its own.
    "content-security-policy": "sandbox allow-scripts",
    "x-content-type-options": "nosniff",
    "cache-control": "private, max-age=60",
  });
  if (request.method === "HEAD") {
    stream.destroy();
    response.end();
  } else {
    await pipeline(stream, response);
  }
}

const badDigest = (why: string): SkeinError =>
  new SkeinError("invalid_argument", "bad_digest", `Nothing was stored: ${why}.`);

function answerError(request: IncomingMessage, response: ServerResponse, error: SkeinError): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = { code: error.reason, message: error.message };
  // The rest of a refused body is not read: the connection ends with the answer.
  response.writeHead(TRANSPORT_CODES[error.code].http, { "content-type": "application/json", connection: "close" });
  response.end(`${JSON.stringify(body)}\n`);
  request.unpipe();
  request.resume();
}
