import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createSkeinClient } from "@skein/client";
import { requireKubernetes, requireTool, startKubernetes, type TestKubernetes, waitFor } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildBaseImage } from "./src/base-image.ts";
import { haveDocker } from "./src/flytekit-image.ts";
import { type FlyteClients, haveClients, openFlyteClients } from "./src/index.ts";
import { buildPodImage, buildSkeinImages, loadImages } from "./src/skein-images.ts";
import { installSkein, type SkeinInKubernetes } from "./src/skein-in-kubernetes.ts";

/** The tag of images that the cluster has already, for whoever works on this test. */
const given = process.env.SKEIN_TEST_IMAGE_TAG;
const TAG = given ?? `v${process.pid}`;
const TASK_IMAGE = `skein-test/flytekit:${TAG}`;
const TENANT = { project: "flytesnacks", domain: "development" };
const NAMESPACE = "flytesnacks-development";
const PASSWORD = "correct-horse-battery";

const hasHelm = requireTool("helm", "go install helm.sh/helm/v3/cmd/helm@v3.22.0") !== undefined;
const base = hasHelm && requireKubernetes() && (await haveDocker()) ? await buildBaseImage() : undefined;
const available = base !== undefined && (await haveClients());

describe.skipIf(!available)("Skein as Helm installs it", () => {
  let kubernetes: TestKubernetes;
  let skein: SkeinInKubernetes;
  let clients: FlyteClients;

  beforeAll(async () => {
    kubernetes = await startKubernetes();
    if (given === undefined) {
      const images = await buildSkeinImages(base ?? "", TAG);
      await loadImages(kubernetes, [...images, await buildPodImage(TASK_IMAGE)]);
    }
    skein = await installSkein(kubernetes, TAG);
    clients = await openFlyteClients(skein);
    cpSync(fileURLToPath(new URL("kubernetes", import.meta.url)), clients.workflows, { recursive: true });
  }, 900_000);
  afterAll(async () => {
    await clients?.close();
    await skein?.close();
  }, 120_000);

  const register = async (file: string) => {
    const words = ["-p", TENANT.project, "-d", TENANT.domain, "--version", "v1", "--image", TASK_IMAGE];
    const { code, output } = await clients.pyflyte("register", ...words, file);
    if (code !== 0) throw new Error(`pyflyte register failed:\n${output}\n${await skein.logs()}`);
  };
  const create = async (plan: string, ...inputs: string[]): Promise<string> => {
    const file = join(clients.folder, `${plan}-${inputs.join("-")}.yaml`);
    const got = await clients.flytectl("get", "launchplan", plan, "--latest", "--execFile", file);
    if (got.code !== 0) throw new Error(got.output);
    const edits = inputs.map((input) => input.split("="));
    let text = readFileSync(file, "utf8");
    for (const [name, value] of edits) text = text.replace(new RegExp(`^( +${name}:).*$`, "m"), `$1 ${value}`);
    writeFileSync(file, text);
    const { code, output } = await clients.flytectl("create", "execution", "--execFile", file);
    const name = /name:"([a-z0-9]+)"/.exec(output)?.[1];
    if (code !== 0 || name === undefined) throw new Error(output);
    return name;
  };
  const pods = async (...words: string[]): Promise<string[]> => {
    const names = ["-o", 'jsonpath={range .items[*]}{.metadata.name}{"\\n"}{end}'];
    return (await kubernetes.kubectl("get", "pods", "-n", NAMESPACE, ...words, ...names)).split("\n").filter(Boolean);
  };

  test("C11.93-98 tasks run as pods: a sidecar, secrets, a raw container; logs stay when the pods are gone", async () => {
    const client = createSkeinClient({ url: skein.url });
    await client.secrets.set.mutate({ group: "database", key: "password", value: { text: PASSWORD } });
    await client.secrets.set.mutate({ ...TENANT, group: "files", key: "license", value: { text: "abc" } });
    await register("pods.py");
    const name = await create("pods.pods", "name=Kubernetes");
    const id = { ...TENANT, name };

    // Labels that people know find the pod while it runs, in the namespace of project and domain.
    const labels = `execution-id=${name},project=flytesnacks,domain=development`;
    const seen = new Set<string>();
    const manifests = new Map<string, string>();
    const isOver = async () => {
      for (const pod of await pods("-l", labels)) {
        if (seen.has(pod)) continue;
        seen.add(pod);
        manifests.set(pod, await kubernetes.kubectl("get", "pod", pod, "-n", NAMESPACE, "-o", "json").catch(() => ""));
      }
      const run = await client.runs.get.query(id);
      return ["succeeded", "failed", "aborted"].includes(run.phase);
    };
    await waitFor(isOver, { what: "the run to end", timeoutMs: 270_000 }).catch(async (cause) => {
      const events = await kubernetes.kubectl("get", "pods,events", "-n", NAMESPACE);
      throw new Error(`${events}\n${await skein.logs()}`, { cause });
    });
    const run = await client.runs.get.query(id);
    expect(run, JSON.stringify(run)).toMatchObject({ phase: "succeeded" });
    const shown = await clients.flytectl("get", "execution", name, "--details", "-o", "yaml");
    // "Hello, Kubernetes!" is 18 bytes, a thousand times; the password has 21 letters, the license 3.
    expect(shown.output).toContain("Hello, Kubernetes! 21 3");
    expect(shown.output).toMatch(/18000/);
    expect(seen.size).toBeGreaterThanOrEqual(4);

    const all = [...manifests.values()];
    const text = all.join("\n");
    expect(text).not.toContain(PASSWORD);
    expect(text).not.toContain(skein.s3.secretAccessKey);
    const sidecar = all.find((manifest) => manifest.includes('"name": "sidecar"'));
    expect(sidecar).toContain('"team": "data"');
    for (const label of ["workflow-name", "node-id", "task-name", "interruptible"])
      expect(sidecar).toContain(`"${label}"`);

    await waitFor(async () => (await pods("-l", labels)).length === 0, { what: "pods to be gone", timeoutMs: 60_000 });
    const logOf = async (action: string) => (await client.runs.logs.query({ ...id, action, attempt: 0 })).text;
    expect(await logOf("n0")).toContain("beside a sidecar: Kubernetes");
    const secretive = await logOf("n1");
    expect(secretive).toContain("the password is");
    expect(secretive).not.toContain(PASSWORD);
  }, 420_000);

  test("a launcher that is killed adopts its pods, and loses and repeats nothing", async () => {
    await register("greetings.py");
    const started = await Promise.all(["one", "two"].map((who) => create("greetings.hello", `name=${who}`)));
    const labels = `execution-id in (${started.join(",")})`;
    await waitFor(async () => (await pods("-l", labels)).length === 2, { what: "both pods", timeoutMs: 60_000 });
    const launcher = ["-n", skein.namespace, "-l", "app.kubernetes.io/component=launcher"];
    await kubernetes.kubectl("delete", "pod", ...launcher, "--grace-period=0", "--force");
    const client = createSkeinClient({ url: skein.url });
    for (const name of started) {
      const ended = async () => (await client.runs.get.query({ ...TENANT, name })).phase === "succeeded";
      await waitFor(ended, { what: `${name} to succeed`, timeoutMs: 120_000 }).catch(async (cause) => {
        throw new Error(await skein.logs(), { cause });
      });
      const { items } = await client.runs.actions.query({ ...TENANT, name });
      expect(items.filter(({ kind }) => kind === "task").map(({ attempts }) => attempts)).toEqual([1]);
    }
    await waitFor(async () => (await pods("-l", labels)).length === 0, { what: "no pod left", timeoutMs: 60_000 });
  }, 300_000);
});
