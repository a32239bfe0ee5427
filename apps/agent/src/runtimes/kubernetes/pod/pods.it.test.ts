import { KubeConfig, type V1Pod } from "@kubernetes/client-node";
import { DataLoadingConfig_LiteralMapFormat, Resources_ResourceName, SimpleType } from "@skein/idl/core";
import { BUSYBOX_IMAGE, requireKubernetes, startKubernetes, type TestKubernetes, waitFor } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AttemptFolder } from "../../../ledger/attempt-folder.ts";
import { ClusterClient, ClusterError } from "../cluster-client.ts";
import { NamespaceKeeper } from "../prepare-namespace.ts";
import { STANDARD_HOLES } from "./hostile-pods.testsuite.ts";
import { type Json, jsonOf, listOf } from "./json.ts";
import { ATTEMPT, GRANT, type LaunchChange, makeLaunch, makeSettings, podTask } from "./launch.testsuite.ts";
import { mergeManifests } from "./merge-manifests.ts";
import { namespaceOf } from "./pod-name.ts";
import { ownedBy, toPod } from "./to-pod.ts";

const integer = { type: { type: { case: "simple" as const, value: SimpleType.INTEGER } } };
const main = { name: "main", image: BUSYBOX_IMAGE };

/** What people write, each with something that Kubernetes could find fault with. */
const ORDINARY: readonly (LaunchChange & { readonly title: string })[] = [
  { title: "nothing special", command: ["true"], environment: { "odd.name-x": "v" } },
  {
    title: "names that nobody should give",
    grant: { runName: "Grüße/Köln", actionName: "N.0_x".repeat(20), labels: { team: "a b", "": "x", "bad key": "y" } },
    template: { id: { name: "módulo.tarea".repeat(9) } },
  },
  {
    title: "a GPU, shared memory, spot nodes and a timeout",
    grant: { interruptible: true, timeoutMs: 1_500 },
    template: {
      target: {
        case: "container",
        value: {
          resources: { requests: [{ name: Resources_ResourceName.GPU, value: "1" }] },
          ports: [{ containerPort: 80, name: "" }],
        },
      },
      extendedResources: {
        gpuAccelerator: { device: "A100", partitionSizeValue: { case: "partitionSize", value: "1g.5gb" } },
        sharedMemory: { mountName: "shm", mountPath: "/dev/shm", sizeLimit: "64Mi" },
      },
    },
  },
  {
    title: "files for inputs and outputs",
    template: {
      interface: { inputs: { variables: { x: integer } }, outputs: { variables: { y: integer } } },
      target: {
        case: "container",
        value: { dataConfig: { enabled: true, format: DataLoadingConfig_LiteralMapFormat.JSON } },
      },
    },
  },
  {
    title: "secrets of every kind",
    secrets: [
      {
        group: "g",
        version: "",
        key: "k",
        value: Buffer.from("s"),
        variables: ["_FSEC_G_K"],
        file: "g/k",
        fileVariable: "F",
      },
    ],
    grant: {
      secrets: [{ group: "cluster", version: "", key: "K", mount: "any", variable: null, value: null }],
      storeCredentials: { accessKeyId: "a", secretAccessKey: "b", sessionToken: "c", expiresAtMs: 0 },
    },
    environment: { AWS_SECRET_ACCESS_KEY: "b" },
  },
  {
    title: "sidecars, probes, affinity and volumes of its own",
    template: podTask({
      affinity: {
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 1, podAffinityTerm: { topologyKey: "zone", labelSelector: {} } },
          ],
        },
      },
      volumes: [
        {
          name: "v",
          ephemeral: {
            volumeClaimTemplate: { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: 1 } } } },
          },
        },
      ],
      containers: [
        { ...main, volumeMounts: [{ name: "v", mountPath: "/v" }] },
        {
          ...main,
          name: "side",
          livenessProbe: { httpGet: { port: 80 }, periodSeconds: 5 },
          resources: { limits: { cpu: 1 }, requests: { memory: "4Gi" } },
        },
      ],
      initContainers: [{ ...main, name: "watcher", restartPolicy: "Always" }],
    }),
  },
];

const rules = {
  interruptible: {
    tolerations: [{ key: "spot", operator: "Exists" }],
    nodeRequirements: [{ key: "spot", operator: "Exists" }],
  },
};

describe.skipIf(!requireKubernetes())("on a real cluster", () => {
  const settings = makeSettings(rules, { usesClusterSecrets: true, confidential: { STATIC: "secret" } });
  const owner = { ...GRANT, project: `pods${process.pid}` };
  const namespace = namespaceOf(owner, settings);
  let cluster: TestKubernetes;
  let client: ClusterClient;

  beforeAll(async () => {
    cluster = await startKubernetes();
    const config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfig);
    client = new ClusterClient(config);
    await new NamespaceKeeper(client, settings, true).prepare(namespace, owner);
  });
  afterAll(async () => {
    await cluster?.kubectl("delete", "namespace", namespace, "--wait=false");
    client?.close();
  });

  const path = `/api/v1/namespaces/${namespace}`;
  const launchOf = ({ grant, ...change }: LaunchChange) =>
    makeLaunch({ ...change, grant: { ...grant, project: owner.project } });
  /** The server's whole judgement, and nothing comes of it. */
  const submit = async (pod: V1Pod): Promise<string> => {
    const query = { dryRun: "All", fieldValidation: "Strict" };
    try {
      await client.json({ method: "POST", path: `${path}/pods`, query, body: pod });
      return "accepted";
    } catch (error) {
      if (error instanceof ClusterError) return error.message;
      throw error;
    }
  };

  test("a namespace holds all that was made for it, as often as it is made", async () => {
    await new NamespaceKeeper(client, settings, true).prepare(namespace, owner);
    const kinds =
      "serviceaccount/default,resourcequota/skein,limitrange/skein,networkpolicy/skein,secret/skein-confidential";
    const names = await cluster.kubectl("-n", namespace, "get", ...kinds.split(","), "-o", "name");
    expect(names.trim().split("\n")).toHaveLength(5);
  });

  test.each(ORDINARY)("a task with $title is accepted where only restricted pods are", async (change) => {
    const { pod, secret } = toPod(launchOf(change), settings, undefined);
    expect(await submit(pod)).toBe("accepted");
    if (!secret) return;
    const query = { dryRun: "All", fieldValidation: "Strict" };
    const body = ownedBy(secret, { metadata: { name: "x", uid: "7" } });
    await client.json({ method: "POST", path: `${path}/secrets`, query, body });
  });

  test.each(STANDARD_HOLES)("Kubernetes too refuses a task with $title", async ({ spec, annotations = {} }) => {
    const named = (list: unknown) => listOf(list).map(({ name }) => ({ name, image: BUSYBOX_IMAGE }));
    const { containers, initContainers } = spec as Json;
    const harmless = podTask({ containers: named(containers), initContainers: named(initContainers) });
    const { pod } = toPod(launchOf({ template: harmless }), settings, undefined);
    expect(await submit(pod)).toBe("accepted");
    const metadata = { ...pod.metadata, annotations: { ...pod.metadata?.annotations, ...annotations } };
    const holed = { ...pod, metadata, spec: mergeManifests(jsonOf(pod.spec), spec as Json) };
    expect(await submit(holed as unknown as V1Pod)).toContain("violates PodSecurity");
  });

  test("a task finds its secrets, its sidecar and its memory, and is nobody", async () => {
    const folder = new AttemptFolder("/nowhere", { ...ATTEMPT, ordinal: 9 });
    const words = [
      "cat /etc/flyte/secrets/g/k",
      'echo " $_FSEC_G_K $AWS_SECRET_ACCESS_KEY $STATIC $FILE $_F_PN"',
      "id -u",
      "echo x >/dev/shm/x && df /dev/shm | grep -c shm",
      "grep CapEff /proc/self/status",
      "ls /var/run/secrets 2>/dev/null | wc -l",
    ];
    const launch = launchOf({
      folder,
      image: BUSYBOX_IMAGE,
      command: ["sh", "-c", words.join("; ")],
      environment: { AWS_SECRET_ACCESS_KEY: "of-store", STATIC: "secret" },
      grant: { storeCredentials: { accessKeyId: "a", secretAccessKey: "of-store", sessionToken: "", expiresAtMs: 0 } },
      secrets: [
        {
          group: "g",
          version: "",
          key: "k",
          value: Buffer.from("of-task"),
          variables: ["_FSEC_G_K"],
          file: "g/k",
          fileVariable: "FILE",
        },
      ],
      template: {
        ...podTask({ containers: [main, { ...main, name: "side", command: ["sleep", "1"] }] }),
        extendedResources: { sharedMemory: { mountName: "shm", mountPath: "/dev/shm", sizeLimit: "16Mi" } },
      },
    });
    const { pod, secret } = toPod(launch, settings, undefined);
    const created = await client.json<V1Pod>({ method: "POST", path: `${path}/pods`, body: pod });
    await client.json({ method: "POST", path: `${path}/secrets`, body: secret && ownedBy(secret, created) });
    const name = created.metadata?.name ?? "";
    const phaseOf = async () =>
      (await client.json<V1Pod>({ method: "GET", path: `${path}/pods/${name}` })).status?.phase;
    await waitFor(async () => (await phaseOf()) === "Succeeded", { timeoutMs: 60_000 });
    const log = await cluster.kubectl("-n", namespace, "logs", name, "-c", "main");
    expect(log.trim().split("\n")).toEqual([
      `of-task of-task of-store secret /etc/flyte/secrets/g/k ${name}`,
      "1000",
      "1",
      "CapEff:\t0000000000000000",
      "0",
    ]);
    await client.json({ method: "DELETE", path: `${path}/pods/${name}`, query: { gracePeriodSeconds: "0" } });
    const ours = () => cluster.kubectl("-n", namespace, "get", "secrets", "-o", "name");
    await waitFor(async () => !(await ours()).includes(name), { timeoutMs: 30_000 });
  }, 120_000);
});
