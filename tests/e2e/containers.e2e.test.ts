import { execFileSync } from "node:child_process";
import { waitFor } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildFlytekitImage, haveDocker } from "./src/flytekit-image.ts";
import { type FlyteClients, haveClients, openFlyteClients, type RunningSkein, startSkein } from "./src/index.ts";

const IMAGE = `skein-test-flytekit:v${process.pid}`;
const available = (await haveDocker()) && (await haveClients());

describe.skipIf(!available)("with the docker runtime", () => {
  let skein: RunningSkein;
  let clients: FlyteClients;
  let image: { remove(): Promise<void> };

  beforeAll(async () => {
    image = await buildFlytekitImage(IMAGE);
    skein = await startSkein({
      queue: "postgres",
      storage: "file",
      apis: 1,
      schedulers: 1,
      agents: 1,
      runtime: "docker",
      env: { SKEIN_DOCKER_NETWORK: "none" },
    });
    clients = await openFlyteClients(skein);
  });
  afterAll(async () => {
    await clients?.close();
    await skein?.close();
    await image?.remove();
  });

  test("C3.19 pyflyte run waits for a workflow whose task runs in a container", async () => {
    const { code, output } = await clients.pyflyte(
      ...["run", "--remote", "--wait", "--poll-interval", "1", "--image", IMAGE, "greetings.py", "hello"],
      ...["--name", "container"],
    );
    expect(output).toContain("has succeeded.");
    expect(code).toBe(0);
    const name = /executions\/([a-z][a-z0-9-]*)/.exec(output)?.[1] ?? "";
    const details = await clients.flytectl("get", "execution", name, "--details", "-o", "yaml");
    expect(details.output).toContain("Hello, container!");
  });

  test("C11.93 a workflow registered with the default /root destination runs, and its container is gone afterwards", async () => {
    const registered = await clients.pyflyte(
      ...[
        "register",
        "-p",
        "flytesnacks",
        "-d",
        "development",
        "--image",
        IMAGE,
        "--version",
        "docker1",
        "greetings.py",
      ],
    );
    expect(registered.code, registered.output).toBe(0);
    const { code, output } = await clients.pyflyte(
      ...[
        "run",
        "--remote",
        "--wait",
        "--poll-interval",
        "1",
        "remote-launchplan",
        "greetings.hello",
        "--name",
        "root",
      ],
    );
    expect(output).toContain("has succeeded.");
    expect(code).toBe(0);
    // An agent keeps it until it hears that its report arrived.
    const listed = ["ps", "-aq", "--filter", `ancestor=${IMAGE}`];
    await waitFor(() => execFileSync("docker", listed, { encoding: "utf8" }).trim() === "", {
      what: "no container of the image left",
    });
  });
});
