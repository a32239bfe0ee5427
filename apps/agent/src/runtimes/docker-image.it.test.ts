import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { gzipSync } from "node:zlib";
import { createTempFolder } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canRunContainers, docker } from "./busybox-image.testsuite.ts";
import { digestOf, ensureImage } from "./docker-image.ts";

const NAME = `skein/private${process.pid}`;
const PASSWORD = "with:colon";
const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";

const digest = (content: Buffer): string => `sha256:${createHash("sha256").update(content).digest("hex")}`;

/** A registry with one image of one empty layer, for those who know the password or hold the token. */
function startRegistry(layer: Buffer): Server {
  const packed = gzipSync(layer);
  const config = Buffer.from(
    JSON.stringify({
      architecture: "amd64",
      os: "linux",
      config: {},
      rootfs: { type: "layers", diff_ids: [digest(layer)] },
    }),
  );
  const part = (mediaType: string, content: Buffer) => ({ mediaType, size: content.length, digest: digest(content) });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: part("application/vnd.docker.container.image.v1+json", config),
      layers: [part("application/vnd.docker.image.rootfs.diff.tar.gzip", packed)],
    }),
  );
  const blobs = new Map([packed, config, manifest].map((content) => [digest(content), content]));
  const allowed = `Basic ${Buffer.from(`somebody:${PASSWORD}`).toString("base64")}`;
  return createServer((request, response) => {
    if (request.headers.authorization !== allowed) {
      response.writeHead(401, { "WWW-Authenticate": 'Basic realm="test"' }).end();
      return;
    }
    const wanted = request.url?.split("/").at(-1) ?? "";
    const content = wanted === "1" ? manifest : blobs.get(wanted);
    const type = content === manifest ? MANIFEST : "application/octet-stream";
    const headers = content && {
      "Content-Type": type,
      "Content-Length": content.length,
      "Docker-Content-Digest": digest(content),
    };
    response.writeHead(content || wanted === "" ? 200 : 404, headers);
    response.end(request.method === "HEAD" ? undefined : content);
  });
}

describe.skipIf(!canRunContainers)("an image of a private registry", () => {
  const temp = createTempFolder("registry");
  const path = process.env.PATH;
  let registry: Server;
  let host: string;
  let image: string;

  beforeAll(async () => {
    registry = startRegistry(execFileSync("tar", ["-c", "-T", "/dev/null"]));
    await once(registry.listen(0, "127.0.0.1"), "listening");
    host = `127.0.0.1:${(registry.address() as AddressInfo).port}`;
    image = `${host}/${NAME}:1`;
    const helper = join(temp.path, "docker-credential-skein-test");
    writeFileSync(
      helper,
      `#!/bin/sh
read -r server
echo "$1 $server" >>${temp.path}/asked
[ "$server" = ${host} ] || { echo credentials not found in native keychain; exit 1; }
echo '{"ServerURL":"'$server'","Username":"somebody","Secret":"${PASSWORD}"}'`,
    );
    chmodSync(helper, 0o755);
    process.env.PATH = `${temp.path}${delimiter}${path}`;
  });
  afterAll(async () => {
    process.env.PATH = path;
    registry?.close();
    await temp.close();
  });

  const pull = async (file: object | string | undefined) => {
    const authFile = file === undefined ? undefined : join(temp.path, "config.json");
    if (authFile) writeFileSync(authFile, typeof file === "string" ? file : JSON.stringify(file));
    return await ensureImage(docker, image, { pull: "Always", authFile });
  };
  const auth = (password: string) => ({ auth: Buffer.from(`somebody:${password}`).toString("base64") });

  test("is pulled with the file's password, and known by its digest", async () => {
    expect(await pull({ auths: { [host]: auth(PASSWORD) } })).toBeUndefined();
    const { Id } = await docker.getImage(image).inspect();
    const [digested] = (await docker.getImage(image).inspect()).RepoDigests;
    expect(await digestOf(docker, image, Id)).toBe(digested?.split("@")[1]);
    expect(await digestOf(docker, image, Id)).toMatch(/^sha256:[0-9a-f]{64}$/);
    await docker.getImage(image).remove({ force: true });
  });

  test("is pulled with what a helper says, its own before that of all", async () => {
    expect(
      await pull({ auths: { [host]: {} }, credsStore: "none", credHelpers: { [host]: "skein-test" } }),
    ).toBeUndefined();
    expect(readFileSync(join(temp.path, "asked"), "utf8")).toBe(`get ${host}\n`);
    await docker.getImage(image).remove({ force: true });
    expect(await pull({ credsStore: "skein-test" })).toBeUndefined();
    await docker.getImage(image).remove({ force: true });
  });

  test.each<[string, () => object | string | undefined, RegExp]>([
    ["no credentials", () => undefined, /no basic auth credentials|unauthorized/],
    ["a wrong password", () => ({ auths: { [host]: auth("wrong") } }), /unauthorized|denied|no basic auth/],
    [
      "a helper that does not know it",
      () => ({ credsStore: "skein-test", credHelpers: { [host]: "no-such" } }),
      /docker-credential-no-such/,
    ],
    ["a helper in another folder", () => ({ credsStore: "../bin/sh" }), /SKEIN_DOCKER_AUTH_FILE .* cannot be used/],
    ["a file that is none", () => "{", /SKEIN_DOCKER_AUTH_FILE .* cannot be used/],
  ])("cannot be had with %s, and the failure says so", async (_, file, expected) => {
    const failure = await pull(file());
    expect(failure).toMatchObject({ code: "ImagePullFailed" });
    expect(failure?.message).toMatch(expected);
  });
});
