import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { KNOWN_NAMES } from "@skein/config";
import {
  createTempFolder,
  findTool,
  requireKubernetes,
  requireTool,
  startKubernetes,
  type TestKubernetes,
  waitFor,
} from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);
const chart = fileURLToPath(new URL("../../deploy/helm/skein", import.meta.url));
const helm = requireTool("helm", "go install helm.sh/helm/v3/cmd/helm@v3.22.0") ?? "helm";
const hasHelm = findTool("helm") !== undefined;
const folder = createTempFolder("helm");
afterAll(() => folder.close());

/** The least that works. */
const LEAST = {
  storage: { uri: "s3://bucket/skein", accessKeyId: "key", secretAccessKey: "hidden-store-key" },
  database: { url: "postgres://skein:hidden-password@db/skein" },
  secretKey: { value: "8d1f0b6c2a7e4953b1c0de5f7a9832e4" },
  auth: { issuer: "https://id.example.com", audience: "skein" },
};

/** Everything at once. */
const MOST = {
  image: { pullSecrets: ["registry"], digests: { api: `sha256:${"0".repeat(64)}` } },
  storage: { uri: "s3://bucket/skein", existingSecret: "store", s3: { region: "eu-central-1" } },
  database: { host: "db-rw", passwordSecret: "db-app", ca: { secret: "db-ca" } },
  queue: { existingSecret: "redis" },
  secretKey: { existingSecret: "key" },
  auth: { issuer: "https://id.example.com", audience: "skein", jwksUrl: "https://id.example.com/keys" },
  trustedCa: { configMap: "ca" },
  api: {
    tls: { secret: "certificate" },
    autoscaling: { enabled: true },
    env: { SKEIN_MESSAGE_BYTES_MAX: 1_048_576 },
    podLabels: { team: "data" },
    nodeSelector: { disk: "ssd" },
    tolerations: [{ key: "skein", operator: "Exists" }],
    service: { type: "NodePort", nodePort: 30_088 },
  },
  launchers: [
    { name: "default", pool: "default" },
    { name: "gpu", pool: "gpu", slots: 50, env: { SKEIN_DRAIN_SECONDS: 5 } },
  ],
  agents: { enabled: true, runtime: "docker", dockerGroupId: 999, pool: "vm" },
  serviceAccounts: { api: { annotations: { "eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/skein" } } },
  ingress: { enabled: true, host: "skein.example.com", className: "nginx", tlsSecret: "certificate" },
  httpRoute: { enabled: true, host: "skein.example.com", parents: [{ name: "public", namespace: "gateways" }] },
  networkPolicy: {
    enabled: true,
    apiFrom: [{ namespaceSelector: {} }],
    metricsFrom: [{ namespaceSelector: {} }],
    egressTo: [{ to: [{ ipBlock: { cidr: "10.0.0.0/8" } }] }],
  },
  ciliumNetworkPolicy: { enabled: true, egressNames: ["*.amazonaws.com", "id.example.com"] },
  serviceMonitor: { enabled: true, labels: { release: "prometheus" } },
  flyteNames: { enabled: true },
  labels: { team: "data" },
};

let files = 0;
const template = async (values: object, ...flags: string[]): Promise<string> => {
  files += 1;
  const file = join(folder.path, `values-${files}.json`);
  writeFileSync(file, JSON.stringify(values));
  const args = ["template", "test", chart, "--namespace", "skein", "--kube-version", "1.34.0", "-f", file, ...flags];
  return (await run(helm, args, { maxBuffer: 16 * 2 ** 20 })).stdout;
};
/** The objects of a kind, as text. */
const objectsOf = (text: string, kind: string): string[] =>
  text.split(/^---$/m).filter((part) => new RegExp(`^kind: ${kind}$`, "m").test(part));

describe.skipIf(!hasHelm)("the Helm chart", () => {
  test.each([
    ["the least", LEAST],
    ["the most", MOST],
  ])("passes helm lint with %s values", async (name, values) => {
    const file = join(folder.path, `${name.replace(" ", "-")}.json`);
    writeFileSync(file, JSON.stringify(values));
    const { stdout } = await run(helm, ["lint", "--strict", "--kube-version", "1.34.0", chart, "-f", file]);
    expect(stdout).toContain("0 chart(s) failed");
  });

  test.each([
    ["--set=storage.uri=", /storage.uri is not set: give the object store/],
    ["--set=storage.uri=file:///data", /storage.uri cannot be a folder/],
    ["--set=storage.uri=ftp://x", /\/storage\/uri.*does not match/],
    ["--set=database.url=", /No database: set database.existingSecret/],
    ["--set=database.host=db", /database.host needs database.passwordSecret/],
    ["--set=secretKey.value=", /No secret key.*openssl rand -hex 32/],
    ["--set=secretKey.value=short", /\/secretKey\/value/],
    ["--set=auth.issuer=", /auth.issuer and auth.audience belong together/],
    ["--set=auth.issuer=,auth.audience=", /Nobody is asked to log in/],
    ["--set=auth.allowAnonymous=true", /choose one/],
    ["--set=ingress.enabled=true", /ingress.enabled needs ingress.host/],
    ["--set=httpRoute.enabled=true", /httpRoute.enabled needs httpRoute.parents/],
    ["--set=agents.enabled=true", /agents.runtime=process needs agents.image/],
    ["--set=api.replica=2", /\/api.*'replica' not allowed/],
    ["--set=database.sslMode=prefer", /\/database\/sslMode.*must be one of/],
  ])("refuses %s with a sentence", async (flag, message) => {
    await expect(template(LEAST, flag)).rejects.toThrow(message);
  });

  test("secrets stand in Secrets only", async () => {
    const others = (await template(LEAST)).split(/^---$/m).filter((part) => !/^kind: Secret$/m.test(part));
    expect(others.join()).not.toMatch(/hidden|8d1f0b6c/);
  });

  test("names no variable that Skein does not know", async () => {
    const names = [...(await template(MOST)).matchAll(/name: (SKEIN_\w+)/g)].map((match) => match[1] ?? "");
    expect(names.length).toBeGreaterThan(20);
    const families = ["SKEIN_TASK_AWS_", "SKEIN_KUBERNETES_"];
    const unknown = names.filter((name) => !KNOWN_NAMES.has(name) && !families.some((one) => name.startsWith(one)));
    expect(unknown).toEqual([]);
  });

  test("one namespace for all tasks takes no right in the whole cluster", async () => {
    const single = await template({ ...LEAST, tasks: { namespace: "tasks" } });
    expect(objectsOf(single, "ClusterRole")).toEqual([]);
    expect(objectsOf(single, "Role").join()).toContain("namespace: tasks");
    expect(objectsOf(single, "Role").join()).not.toMatch(/namespaces|networkpolicies/);
    expect(objectsOf(await template(LEAST), "ClusterRole")).toHaveLength(1);
  });

  test("gRPC has paths of its own, those that the api serves", async () => {
    const served = readFileSync(join(chart, "../../../apps/api/src/server.ts"), "utf8");
    const bound = [...served.matchAll(/bindService\((\w+),/g)].map((match) => match[1]);
    const [ingress = ""] = objectsOf(await template(MOST), "Ingress").filter((part) => part.includes("-grpc"));
    const paths = [...ingress.matchAll(/path: \/([\w.]+)/g)].map((match) => match[1]?.split(".").at(-1));
    const infrastructure = ["Health", "ServerReflection", "ServerReflection"];
    expect(paths.sort()).toEqual([...bound, ...infrastructure].sort());
  });

  test("Flyte's names are a switch that leaves selectors as they are", async () => {
    const plain = await template(LEAST);
    const named = await template({ ...LEAST, flyteNames: { enabled: true } });
    const selectors = (text: string) => [...text.matchAll(/matchLabels:\n(?: +.*\n){2}/g)].map(String);
    expect(selectors(named)).toEqual(selectors(plain));
    expect(named).toContain("app.kubernetes.io/name: flyteadmin");
    for (const name of ["flyteadmin", "flytepropeller", "datacatalog", "flyteconsole"]) {
      expect(named).toContain(`app.kubernetes.io/name: ${name}`);
      expect(plain).not.toContain(name);
    }
  });
});

/** Where the definitions of other projects' objects are, in their Go modules. */
const DEFINITIONS = [
  ["sigs.k8s.io/gateway-api@v1.4.1", "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"],
  [
    "github.com/prometheus-operator/prometheus-operator@v0.87.1",
    "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
    "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
  ],
  ["github.com/cloudnative-pg/cloudnative-pg@v1.28.0", "config/crd/bases/postgresql.cnpg.io_clusters.yaml"],
  ["github.com/cilium/cilium@v1.18.5", "pkg/k8s/apis/cilium.io/client/crds/v2/ciliumnetworkpolicies.yaml"],
] as const;

async function definitionFiles(): Promise<string[]> {
  const go = findTool("go") ?? "/usr/local/go/bin/go";
  const found = await Promise.all(
    DEFINITIONS.map(async ([module, ...paths]) => {
      const { stdout } = await run(go, ["mod", "download", "-json", module], { cwd: folder.path });
      return paths.map((path) => join(JSON.parse(stdout).Dir, path));
    }),
  );
  return found.flat();
}

/** `kubectl wait` fails on a definition so new that it has no conditions yet. */
async function definitionsAreServed(kubernetes: TestKubernetes): Promise<boolean> {
  const conditions = "{range .items[*]}{.status.conditions[?(@.type=='Established')].status}{'\\n'}{end}";
  const statuses = await kubernetes.kubectl("get", "crd", "-o", `jsonpath=${conditions}`);
  return statuses
    .replace(/\n$/, "")
    .split("\n")
    .every((status) => status === "True");
}

describe.skipIf(!hasHelm || !requireKubernetes())("a real API server", () => {
  let kubernetes: TestKubernetes;
  beforeAll(async () => {
    kubernetes = await startKubernetes();
    const files = await definitionFiles();
    await kubernetes.kubectl("apply", "--server-side", ...files.flatMap((file) => ["-f", file]));
    await waitFor(() => definitionsAreServed(kubernetes), { what: "every custom resource definition to be served" });
  }, 180_000);

  const dryRun = async (manifests: string, namespace: string): Promise<string> => {
    files += 1;
    const file = join(folder.path, `manifests-${files}.yaml`);
    writeFileSync(file, manifests);
    const args = ["kubectl", "--kubeconfig", kubernetes.kubeconfig, "apply", "--dry-run=server", "-n", namespace];
    const { stdout, stderr } = await run(findTool("kube") ?? "kube", [...args, "-f", file], {
      maxBuffer: 16 * 2 ** 20,
    });
    return stdout + stderr;
  };

  test.each([
    ["the least", LEAST],
    ["the most", MOST],
  ])("takes what %s values make, and finds the pods restricted", async (_, values) => {
    const namespace = await kubernetes.createNamespace({ "pod-security.kubernetes.io/warn": "restricted" });
    try {
      // Docker's socket is the one thing that is not restricted, and said to be so.
      const said = await dryRun(
        (await template(values)).replaceAll("namespace: skein", `namespace: ${namespace.name}`),
        namespace.name,
      );
      const [, ...warnings] = said.split("would violate PodSecurity");
      expect(warnings.filter((warning) => !warning.includes("hostPath"))).toEqual([]);
      expect(warnings.length > 0).toBe(values === MOST);
      expect(said.match(/ created \(server dry run\)/g)?.length).toBe(
        said.split("\n").filter((line) => line.includes("dry run")).length,
      );
      expect(said).toMatch(/deployment.apps\/test-skein-api created/);
    } finally {
      await namespace.close();
    }
  });

  test("takes the Postgres of CloudNativePG's example", async () => {
    const namespace = await kubernetes.createNamespace();
    try {
      const example = readFileSync(join(chart, "examples/cloudnative-pg.yaml"), "utf8");
      expect(await dryRun(example, namespace.name)).toContain("skein-db created");
      const values = ["-f", join(chart, "examples/cloudnative-pg-values.yaml")];
      const text = await template({ ...LEAST, database: {} }, ...values);
      expect(text).toContain("@skein-db-rw:5432/skein?sslmode=verify-full&sslrootcert=/etc/skein/database-ca/ca.crt");
    } finally {
      await namespace.close();
    }
  });
});
