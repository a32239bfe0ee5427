import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { parseImageName, resolveDigest } from "./resolve-digest.ts";

const DIGEST = `sha256:${"a1".repeat(32)}`;
const servers: (() => Promise<unknown>)[] = [];
afterEach(() => Promise.all(servers.splice(0).map((close) => close())));

/** A registry is somebody else's: this one answers as the specification says. */
async function registry(answer: (request: IncomingMessage, response: ServerResponse, url: string) => void) {
  const server = createServer((request, response) => answer(request, response, `http://${request.headers.host}`));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(async () => {
    server.close();
    await once(server, "close");
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test.each([
  ["node:24-bookworm-slim", "https://registry-1.docker.io", "library/node", "24-bookworm-slim"],
  ["versity/versitygw:v1", "https://registry-1.docker.io", "versity/versitygw", "v1"],
  ["ghcr.io/a/b/c", "https://ghcr.io", "a/b/c", "latest"],
  ["localhost:5000/base:1", "http://localhost:5000", "base", "1"],
])("%s is of %s", (name, registry, repository, tag) => {
  expect(parseImageName(name)).toEqual({ registry, repository, tag });
});

test.each(["", "UPPER:1", "a:b:c", "../etc:1", "a/b?x=1:1"])("%j is no image", (name) => {
  expect(() => parseImageName(name)).toThrow(/is no image/);
});

test("a registry that asks for a token is asked again with an anonymous one", async () => {
  const host = await registry((request, response, url) => {
    if (request.url?.startsWith("/token?")) {
      expect(request.url).toBe("/token?service=registry&scope=repository%3Ateam%2Fbase%3Apull");
      response.end(JSON.stringify({ token: "anonymous" }));
    } else if (request.headers.authorization !== "Bearer anonymous") {
      const challenge = `Bearer realm="${url}/token",service="registry",scope="repository:team/base:pull"`;
      response.writeHead(401, { "www-authenticate": challenge }).end();
    } else {
      expect([request.method, request.url]).toEqual(["HEAD", "/v2/team/base/manifests/1.2"]);
      expect(request.headers.accept).toContain("image.index.v1+json");
      response.writeHead(200, { "docker-content-digest": DIGEST }).end();
    }
  });
  expect(await resolveDigest(`${host}/team/base:1.2`)).toBe(DIGEST);
});

test("a missing tag, and an answer without a digest, are errors that name the place", async () => {
  const host = await registry((request, response) => {
    response.writeHead(request.url?.endsWith("/gone") ? 404 : 200, { "docker-content-digest": "md5:1" }).end();
  });
  await expect(resolveDigest(`${host}/base:gone`)).rejects.toThrow(/base\/manifests\/gone answered 404/);
  await expect(resolveDigest(`${host}/base:1`)).rejects.toThrow(/named no digest/);
});
