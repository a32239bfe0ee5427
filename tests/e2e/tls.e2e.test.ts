import { readFileSync } from "node:fs";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import {
  createCertificates,
  INSTALL_OPENSSL,
  openAdminClient,
  requireTool,
  type TestCertificates,
} from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type FlyteClients,
  haveClients,
  openFlyteClients,
  outputsWhenOver,
  type RunningSkein,
  startSkein,
} from "./src/index.ts";

const available = (await haveClients()) && requireTool("openssl", INSTALL_OPENSSL) !== undefined;
const usual = getCACertificates("default");

describe.skipIf(!available)("an authority of one's own", () => {
  let certificates: TestCertificates;
  let skein: RunningSkein;
  let clients: FlyteClients;

  beforeAll(async () => {
    certificates = createCertificates();
    const { authorityFile } = certificates;
    setDefaultCACertificates([...usual, readFileSync(authorityFile, "utf8")]);
    const tls = { ...certificates.issue("skein"), authorityFile };
    skein = await startSkein({ tls, queue: "postgres", storage: "file", apis: 1, schedulers: 1, agents: 1 });
    clients = await openFlyteClients(skein);
  });
  afterAll(async () => {
    await clients?.close();
    await skein?.close();
    setDefaultCACertificates(usual);
    await certificates?.close();
  });

  test("flytectl with insecure: false and pyflyte register, launch and read, all encrypted", async () => {
    const { code, output } = await clients.flytectl("version");
    expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining("controlPlane") });
    await clients.register("greetings.py");
    const name = await clients.launch("greetings.hello");
    expect(await outputsWhenOver(openAdminClient(skein.url), name)).toEqual({ o0: "Hello, World!" });
    expect(await clients.flytectlJson("get", "execution", name)).toMatchObject({ closure: { phase: "SUCCEEDED" } });
  });
});
