import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  createTempFolder,
  createTestDatabase,
  findTool,
  startRedis,
  startS3,
  type TestDatabase,
  type TestKubernetes,
  type TestRedis,
  type TestS3,
  waitFor,
} from "@skein/testing";
import { forwardPort } from "./forward-port.ts";
import { REGISTRY } from "./skein-images.ts";

const run = promisify(execFile);
const CHART = fileURLToPath(new URL("../../../deploy/helm/skein", import.meta.url));
const RELEASE = "skein";

/** Skein as Helm installed it, with its Postgres, Redis and S3 on this machine. */
export interface SkeinInKubernetes {
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  readonly namespace: string;
  readonly flytekit: undefined;
  readonly tls: undefined;
  /** As this machine and pods alike reach it. */
  readonly s3: TestS3;
  readonly database: TestDatabase;
  readonly redis: TestRedis;
  /** Runs `helm` on the release. */
  helm(...args: string[]): Promise<string>;
  /** What every pod of Skein said, for a failed test's message. */
  logs(): Promise<string>;
  close(): Promise<void>;
}

/** Installs the images `skein-test/<app>:<tag>` and waits until all pods are ready. */
export async function installSkein(
  kubernetes: TestKubernetes,
  tag: string,
  values: Readonly<Record<string, unknown>> = {},
): Promise<SkeinInKubernetes> {
  const folder = createTempFolder("skein-kubernetes");
  const closers: (() => Promise<unknown>)[] = [() => folder.close()];
  const close = async () => {
    for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
  };
  try {
    const [database, redis, s3] = await Promise.all([createTestDatabase(), startRedis(), startS3()]);
    closers.push(
      () => database.close(),
      () => redis.close(),
      () => s3.close(),
    );
    const host = kubernetes.hostAddress;
    /** The same port, where pods find it. */
    const offer = async (address: string): Promise<string> => {
      const url = new URL(address);
      const place = { host: url.hostname, port: Number(url.port) };
      const forward = await forwardPort({ host, port: place.port }, place);
      closers.push(() => forward.close());
      return address.replace(`//${url.host}`, `//${host}:${url.port}`).replace(`@${url.host}`, `@${host}:${url.port}`);
    };
    const [databaseUrl, redisUrl, endpoint] = await Promise.all([database.url, redis.url, s3.endpoint].map(offer));
    const namespace = await kubernetes.createNamespace({ "pod-security.kubernetes.io/enforce": "restricted" });
    closers.push(() => namespace.close());
    const helm = async (...args: string[]): Promise<string> => {
      const words = ["--kubeconfig", kubernetes.kubeconfig, "--namespace", namespace.name, ...args];
      const { stdout } = await run(findTool("helm") ?? "helm", words, { maxBuffer: 16 * 2 ** 20 });
      return stdout;
    };
    const nodeAddress = new URL(kubernetes.apiUrl).hostname;
    const masterKeys = `test:${randomBytes(32).toString("base64")}`;
    await kubernetes.apply({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "master-keys", namespace: namespace.name },
      stringData: { "master-keys": masterKeys },
    });
    const file = join(folder.path, "values.json");
    const small = { requests: { cpu: "50m", memory: "128Mi" }, limits: { memory: "768Mi" } };
    const installed = {
      image: { registry: REGISTRY, tag, pullPolicy: "Never" },
      storage: {
        uri: `s3://${s3.bucket}/skein`,
        accessKeyId: s3.accessKeyId,
        secretAccessKey: s3.secretAccessKey,
        s3: { endpoint, publicEndpoint: endpoint, region: s3.region },
      },
      database: { url: databaseUrl },
      queue: { redisUrl },
      secretKey: { value: randomBytes(32).toString("hex") },
      taskSecrets: { masterKeysSecret: "master-keys" },
      auth: { allowAnonymous: true },
      api: { replicas: 1, resources: small, service: { type: "NodePort" }, publicUrl: `http://${nodeAddress}` },
      scheduler: { replicas: 1, resources: small },
      launcher: { resources: small },
      tasks: { credentials: "inherit" },
      ...values,
    };
    writeFileSync(file, JSON.stringify(installed));
    const logs = () => logsOf(kubernetes, namespace.name);
    // The launchers' volumes wait for nothing else; one that is not ready after this says why in its log.
    closers.push(() => helm("uninstall", RELEASE, "--wait", "--timeout", "60s").catch(() => undefined));
    await helm("install", RELEASE, CHART, "--values", file, "--wait", "--timeout", "120s").catch(async (cause) => {
      throw new Error(
        `helm install failed: ${await kubernetes.kubectl("get", "pods,jobs", "-n", namespace.name)}\n${await logs()}`,
        { cause },
      );
    });
    const nodePort = await kubernetes.kubectl(
      ...["get", "service", `${RELEASE}-api`, "-n", namespace.name, "-o", "jsonpath={.spec.ports[0].nodePort}"],
    );
    const near = await forwardPort({ host: "127.0.0.1", port: 0 }, { host: nodeAddress, port: Number(nodePort) });
    closers.push(() => near.close());
    const url = `http://127.0.0.1:${near.port}`;
    await waitFor(async () => (await fetch(`${url}/readyz`)).ok, { what: "the api to be ready", timeoutMs: 30_000 });
    return {
      ...{ url, port: near.port, folder: folder.path, namespace: namespace.name, flytekit: undefined, tls: undefined },
      ...{ s3: { ...s3, endpoint: endpoint ?? "" }, database, redis, helm, logs, close },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function logsOf(kubernetes: TestKubernetes, namespace: string): Promise<string> {
  const selector = `app.kubernetes.io/instance=${RELEASE}`;
  const words = ["logs", "-n", namespace, "-l", selector, "--all-containers", "--prefix", "--tail=60"];
  return await kubernetes.kubectl(...words).catch(String);
}
