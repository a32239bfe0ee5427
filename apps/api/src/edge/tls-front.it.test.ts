import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { request } from "node:https";
import { connect as connectTls } from "node:tls";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { AdminService } from "@skein/idl/service";
import { openLogger } from "@skein/telemetry";
import { createCertificates, INSTALL_OPENSSL, requireTool, type TestCertificates, waitFor } from "@skein/testing";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startTestApi } from "../testing/start-test-api.ts";
import { openOnePort } from "./one-port.ts";

const hasOpenssl = requireTool("openssl", INSTALL_OPENSSL);
let certificates: TestCertificates;
beforeAll(() => {
  if (hasOpenssl) certificates = createCertificates();
});
const authority = (): Buffer => readFileSync(certificates.authorityFile);
const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
});
afterAll(() => certificates?.close());

/** The status and body of an HTTP/1.1 request. */
const getHttps = (url: string): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { ca: authority(), agent: false }, async (response) => {
      const parts: Buffer[] = [];
      for await (const part of response) parts.push(part as Buffer);
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() });
    });
    asked.on("error", reject).end();
  });

test.skipIf(!hasOpenssl)("one port speaks gRPC and HTTP over TLS, and nothing in plain text", async () => {
  const { certFile: tlsCertFile, keyFile: tlsKeyFile } = certificates.issue("both");
  const api = await startTestApi({ tlsCertFile, tlsKeyFile });
  closers.push(() => api.close());
  expect(api.url).toBe(`https://${api.address}`);

  expect(await getHttps(`${api.url}/livez`)).toMatchObject({ status: 200 });
  const brief = { baseUrl: api.url, idleConnectionTimeoutMs: 10 };
  const trusted = { ca: authority() };
  const grpc = createClient(AdminService, createGrpcTransport({ ...brief, nodeOptions: trusted }));
  expect((await grpc.getVersion({})).controlPlaneVersion).toBeDefined();
  // Without the authority's certificate nobody is taken in.
  const stranger = createClient(AdminService, createGrpcTransport(brief));
  await expect(stranger.getVersion({})).rejects.toThrow(/certificate|issuer/);

  const plain = await fetch(`http://${api.address}/livez`);
  expect([plain.status, await plain.text()]).toEqual([400, "This port speaks TLS: use https://\n"]);
  const session = connectHttp2(`http://${api.address}`);
  await expect(new Promise((_, reject) => session.on("error", reject))).rejects.toThrow();
});

test.skipIf(!hasOpenssl)("a certificate that is renewed is taken up, and a broken one is not", async () => {
  const files = certificates.issue("current");
  const first = readFileSync(files.certFile);
  const port = await openOnePort({
    host: "127.0.0.1",
    ports: [0],
    http1: (_request, response) => response.end("here"),
    http2: (_request, response) => response.end(),
    tls: { ...files, reloadEveryMs: 20, logger: openLogger({ name: "test", level: "silent" }) },
  });
  closers.push(() => port.close(0));
  const nameShown = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connectTls({ port: port.ports[0] ?? 0, host: "127.0.0.1", ca: authority() }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      });
      socket.on("error", reject);
    });
  expect(await nameShown()).toBe("current");
  const next = certificates.issue("next");
  // For a moment the certificate is new and the key is old.
  copyFileSync(next.certFile, files.certFile);
  expect(await nameShown()).toBe("current");
  copyFileSync(next.keyFile, files.keyFile);
  await waitFor(async () => (await nameShown()) === "next");
  writeFileSync(files.certFile, "broken");
  expect(await nameShown()).toBe("next");
  writeFileSync(files.certFile, first);
});

test.skipIf(!hasOpenssl)("files that are missing, broken or alone stop the start and are named", async () => {
  const { certFile: tlsCertFile, keyFile: tlsKeyFile } = certificates.issue("start");
  const start = (files: { tlsCertFile?: string; tlsKeyFile?: string }) => startTestApi(files);
  await expect(start({ tlsCertFile })).rejects.toThrow("belong together");
  await expect(start({ tlsCertFile, tlsKeyFile: `${tlsKeyFile}.none` })).rejects.toThrow(
    /SKEIN_TLS_KEY_FILE: .*none.*ENOENT/,
  );
  await expect(start({ tlsCertFile: tlsKeyFile, tlsKeyFile })).rejects.toThrow("no certificate and its private key");
});
