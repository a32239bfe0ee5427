import type { V1PodTemplate } from "@kubernetes/client-node";
import { fromBytes } from "@skein/idl";
import {
  DataLoadingConfig_LiteralMapFormat,
  SimpleType,
  TypedInterfaceSchema,
  VariableMapSchema,
} from "@skein/idl/core";
import { describe, expect, test } from "vitest";
import type { TaskSecret } from "../../runtime.ts";
import { containerOf, type LaunchChange, makeLaunch, makeSettings, podTask } from "./launch.testsuite.ts";
import { ownedBy, podTemplateName, toPod } from "./to-pod.ts";

const podOf = (change: LaunchChange = {}, rules: object = {}, template?: V1PodTemplate) =>
  toPod(makeLaunch(change), makeSettings(rules), template).pod;
const envOf = (change: LaunchChange, name?: string) => containerOf(podOf(change), name).env;
const podName = { name: "_F_PN", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } };
const main = { name: "main", image: "i" };

describe("the pod of a container task", () => {
  test("runs its image with its words, once", () => {
    const { metadata, spec } = podOf({ command: ["sh"], args: ["-c", "true"], environment: { A: "1" } });
    expect(metadata).toMatchObject({ name: "frun-n0-0", namespace: "flights-development" });
    expect(spec).toMatchObject({
      restartPolicy: "Never",
      serviceAccountName: "default",
      containers: [{ name: "primary", image: "example.com/image:1", command: ["sh"], args: ["-c", "true"] }],
    });
    expect(spec?.containers[0]?.env).toEqual([{ name: "A", value: "1" }, podName]);
  });

  test("keeps the image's own words where the task has none", () => {
    const container = containerOf(podOf({ command: [], args: [] }));
    expect(container).not.toHaveProperty("command");
    expect(container).not.toHaveProperty("args");
  });

  test("is the same whenever it is made", () => {
    const change: LaunchChange = { grant: { runName: "A-b" }, secrets: [secret({ variables: ["A"] })] };
    expect(toPod(makeLaunch(change), makeSettings(), undefined)).toEqual(
      toPod(makeLaunch(change), makeSettings(), undefined),
    );
  });

  test("ends itself some time after its timeout, or when its own pod says", () => {
    expect(podOf().spec).not.toHaveProperty("activeDeadlineSeconds");
    expect(podOf({ grant: { timeoutMs: 60_500 } }, { deadlineSlackSeconds: 10 }).spec?.activeDeadlineSeconds).toBe(71);
    const template = podTask({ activeDeadlineSeconds: 5, containers: [main] });
    expect(podOf({ template, grant: { timeoutMs: 60_000 } }).spec?.activeDeadlineSeconds).toBe(5);
  });

  test("has shared memory where the task asks for it", () => {
    const sharedMemory = { mountName: "shm", mountPath: "/dev/shm", sizeLimit: "2Gi" };
    const template = { target: { case: "container" as const, value: {} }, extendedResources: { sharedMemory } };
    const pod = podOf({ template });
    expect(pod.spec?.volumes).toEqual([{ name: "shm", emptyDir: { medium: "Memory", sizeLimit: "2Gi" } }]);
    expect(containerOf(pod).volumeMounts).toEqual([{ name: "shm", mountPath: "/dev/shm" }]);
    const bad = { ...template, extendedResources: { sharedMemory: { ...sharedMemory, sizeLimit: "much" } } };
    expect(() => podOf({ template: bad })).toThrow('"much" is no size of shared memory');
  });

  test("has what the administrator, then a named template, then the task says", () => {
    const layer = (value: string) => ({
      metadata: { labels: { [value]: "yes" }, annotations: { who: value } },
      spec: {
        terminationGracePeriodSeconds: value.length,
        dnsConfig: { searches: [value] },
        containers: [{ name: "primary", image: "noop", env: [{ name: "WHO", value }] }],
      },
    });
    const rules = { podTemplate: { ...layer("admin"), spec: { ...layer("admin").spec, priorityClassName: "batch" } } };
    const pod = podOf({}, rules, { template: layer("named") as never });
    expect(pod.metadata?.labels).toMatchObject({ admin: "yes", named: "yes" });
    expect(pod.metadata?.annotations?.who).toBe("named");
    expect(pod.spec).toMatchObject({
      terminationGracePeriodSeconds: 5,
      priorityClassName: "batch",
      dnsConfig: { searches: ["admin", "named"] },
      containers: [{ name: "primary", image: "example.com/image:1", env: [{ name: "WHO", value: "named" }, podName] }],
    });
    expect(containerOf(podOf({ environment: { WHO: "task" } }, rules)).env).toEqual([
      { name: "WHO", value: "task" },
      podName,
    ]);
  });
});

describe("the pod of a pod task", () => {
  const spec = {
    containers: [
      { ...main, command: ["registered"], env: [{ name: "OWN", value: "1" }] },
      {
        name: "side",
        image: "proxy",
        args: ["--out", "{{.outputPrefix}}"],
        env: [{ name: "FLYTE_ATTEMPT_NUMBER", value: "x" }],
      },
    ],
    initContainers: [{ name: "init", image: "tools", command: ["fetch", "{{.input}}"] }],
  };
  const change: LaunchChange = {
    template: podTask(spec),
    image: "launch-image",
    command: ["rendered"],
    environment: { OWN: "2", KEY: "k", FLYTE_ATTEMPT_NUMBER: "0" },
    grant: { environment: { OF_RUN: "r" } },
  };

  test("keeps its containers, fills in all their words, and knows which one the task is", () => {
    const pod = podOf(change);
    expect(pod.metadata?.annotations).toMatchObject({ primary_container_name: "main" });
    expect(containerOf(pod, "main")).toMatchObject({ image: "launch-image", command: ["rendered"] });
    expect(containerOf(pod, "side")).toMatchObject({ image: "proxy", args: ["--out", "s3://bucket/meta/frun/n0/0"] });
    expect(containerOf(pod, "init").command).toEqual(["fetch", "s3://bucket/meta/frun/n0/0/inputs.pb"]);
  });

  test("gives the task's own variables to the task, and those of the run to everybody", () => {
    expect(envOf(change, "main")).toContainEqual({ name: "OWN", value: "2" });
    expect(envOf(change, "side")).toEqual([
      { name: "FLYTE_ATTEMPT_NUMBER", value: "0" },
      { name: "OF_RUN", value: "r" },
      podName,
    ]);
  });

  test.each<[object, string, string]>([
    [{ containers: [{ ...main, imag: "x" }] }, "main", "pod_spec.containers[0].imag is no field of Kubernetes"],
    [{ containers: "main" }, "main", "pod_spec.containers must be a list"],
    [{ containers: [main], hostNetwork: "yes" }, "main", "pod_spec.hostNetwork must be a boolean"],
    [
      { containers: [{ ...main, ports: [{ containerPort: "80" }] }] },
      "main",
      "ports[0].containerPort must be a number",
    ],
    [{ containers: [{ ...main, env: [{ name: "A", value: 1 }] }] }, "main", "env[0].value must be a string"],
    [{ containers: [main] }, "other", '"other" is not in its pod, which has "main"'],
    [{ containers: [main, main] }, "main", 'two containers are named "main"'],
    [{ containers: [main, { name: "side" }] }, "main", 'the container "side" has no image'],
    [{}, "main", "which has none"],
  ])("that reads %j is refused by name", (bad, primary, message) => {
    expect(() => podOf({ template: podTask(bad, primary) })).toThrow(message);
  });

  test("is refused when its labels cannot be", () => {
    const task = podTask({ containers: [main] }, "main", { metadata: { labels: { team: "a b", "-": "x" } } });
    expect(() => podOf({ template: task })).toThrow(
      /the label team cannot be "a b"; "-" cannot be the name of a label/,
    );
  });
});

describe("the service account", () => {
  const ofTask = { securityContext: { runAs: { k8sServiceAccount: "of-task" } } };
  const container = { target: { case: "container" as const, value: {} } };
  const named = { template: { spec: { serviceAccountName: "of-template" } } } as V1PodTemplate;

  test.each<[string, LaunchChange, V1PodTemplate | undefined]>([
    ["default", {}, undefined],
    ["of-template", {}, named],
    ["of-run", { grant: { serviceAccount: "of-run" } }, named],
    ["of-task", { grant: { serviceAccount: "of-run" }, template: { ...container, ...ofTask } }, named],
    ["of-pod", { template: { ...podTask({ serviceAccountName: "of-pod", containers: [main] }), ...ofTask } }, named],
    ["of-pod", { template: podTask({ serviceAccount: "of-pod", containers: [main] }) }, undefined],
  ])("is %s", (expected, change, template) => {
    const { spec } = podOf(change, {}, template);
    expect(spec?.serviceAccountName).toBe(expected);
    expect(spec).not.toHaveProperty("serviceAccount");
  });
});

const secret = (change: Partial<TaskSecret> = {}): TaskSecret => ({
  group: "team",
  version: "",
  key: "key",
  value: Buffer.from("the-value"),
  variables: [],
  file: undefined,
  fileVariable: undefined,
  ...change,
});
const asked = { group: "team", version: "", key: "key", variable: null, value: null };

describe("what a pod's text must not hold", () => {
  const credentials = {
    accessKeyId: "AKIA",
    secretAccessKey: "very-secret",
    sessionToken: "token-of-session",
    expiresAtMs: 0,
  };
  const change: LaunchChange = {
    environment: {
      AWS_ACCESS_KEY_ID: "AKIA",
      AWS_SECRET_ACCESS_KEY: "very-secret",
      AWS_SESSION_TOKEN: "token-of-session",
      STATIC: "static-secret",
      SKEIN_RUN_TOKEN: "run-token",
    },
    grant: { storeCredentials: credentials, platform: { token: "run-token" }, secrets: [{ ...asked, mount: "any" }] },
    secrets: [
      secret({ variables: ["_FSEC_TEAM_KEY", "MINE"] }),
      secret({ file: "team/other", fileVariable: "PATH_OF_OTHER", value: Buffer.from([0, 255]) }),
    ],
  };
  const settings = makeSettings({}, { confidential: { STATIC: "static-secret" } });
  const { pod, secret: made } = toPod(makeLaunch(change), settings, undefined);

  test("stands in a Secret of its own, or in the namespace's", () => {
    const text = JSON.stringify(pod);
    for (const value of ["very-secret", "token-of-session", "run-token", "the-value", "static-secret"]) {
      expect(text).not.toContain(value);
      expect(text).not.toContain(Buffer.from(value).toString("base64"));
    }
    const valueAt = (name: string) => {
      const reference = containerOf(pod).env?.find((variable) => variable.name === name)?.valueFrom?.secretKeyRef;
      if (reference?.name !== made?.metadata?.name) return `${reference?.name}/${reference?.key}`;
      return Buffer.from(made?.data?.[reference?.key ?? ""] ?? "", "base64").toString();
    };
    expect(valueAt("AWS_SECRET_ACCESS_KEY")).toBe("very-secret");
    expect(valueAt("AWS_SESSION_TOKEN")).toBe("token-of-session");
    expect(valueAt("SKEIN_RUN_TOKEN")).toBe("run-token");
    expect(valueAt("_FSEC_TEAM_KEY")).toBe("the-value");
    expect(valueAt("MINE")).toBe("the-value");
    expect(valueAt("STATIC")).toBe("skein-confidential/STATIC");
    expect(containerOf(pod).env).toContainEqual({ name: "AWS_ACCESS_KEY_ID", value: "AKIA" });
  });

  test("is a file where the task looks for it", () => {
    const [volume] = pod.spec?.volumes ?? [];
    const [item] = volume?.projected?.sources?.[0]?.secret?.items ?? [];
    expect(item?.path).toBe("team/other");
    expect(Buffer.from(made?.data?.[item?.key ?? ""] ?? "", "base64")).toEqual(Buffer.from([0, 255]));
    expect(containerOf(pod).volumeMounts).toEqual([
      { name: volume?.name, mountPath: "/etc/flyte/secrets", readOnly: true },
    ]);
    expect(containerOf(pod).env).toEqual(
      expect.arrayContaining([
        { name: "PATH_OF_OTHER", value: "/etc/flyte/secrets/team/other" },
        { name: "FLYTE_SECRETS_DEFAULT_DIR", value: "/etc/flyte/secrets" },
        { name: "FLYTE_SECRETS_ENV_PREFIX", value: "_FSEC_" },
      ]),
    );
  });

  test("goes with the pod", () => {
    expect(made?.metadata).toMatchObject({ name: "frun-n0-0", namespace: "flights-development" });
    expect(made?.metadata?.labels).toEqual(pod.metadata?.labels);
    const created = { metadata: { name: "frun-n0-0", uid: "7" } };
    expect(made && ownedBy(made, created).metadata?.ownerReferences).toEqual([
      { apiVersion: "v1", kind: "Pod", name: "frun-n0-0", uid: "7" },
    ]);
  });

  test("is nothing for most pods", () => {
    expect(toPod(makeLaunch({ environment: { A: "1" } }), makeSettings(), undefined).secret).toBeUndefined();
  });

  test("cannot lie outside of its folder", () => {
    expect(() => podOf({ secrets: [secret({ file: "../x" })] })).toThrow('cannot be the file "../x"');
  });
});

describe("a secret that only the cluster has", () => {
  const grant = {
    secrets: [
      { ...asked, mount: "variable" as const, variable: "MINE" },
      { ...asked, key: "F", version: "2", mount: "any" as const },
    ],
  };
  const of = (change: object, more: LaunchChange = {}) =>
    toPod(makeLaunch({ grant, ...more }), makeSettings({}, { usesClusterSecrets: true, ...change }), undefined);

  test("is referred to", () => {
    const { pod, secret: made } = of({});
    const valueFrom = { secretKeyRef: { name: "team", key: "key", optional: true } };
    expect(made).toBeUndefined();
    expect(containerOf(pod).env).toEqual(
      expect.arrayContaining([
        { name: "_FSEC_TEAM_KEY", valueFrom },
        { name: "MINE", valueFrom },
      ]),
    );
    expect(pod.spec?.volumes?.[0]?.projected?.sources).toEqual([
      {
        secret: {
          name: "team",
          optional: true,
          items: [
            { key: "F", path: "team/2/f" },
            { key: "F", path: "team/f" },
          ],
        },
      },
    ]);
  });

  test("is not where others have it, where it is switched off, and where it could be another project's", () => {
    const isReferred = ({ pod }: { pod: object }) => JSON.stringify(pod).includes('"name":"team"');
    expect(isReferred(of({}, { secrets: [secret(), secret({ key: "F" })] }))).toBe(false);
    expect(isReferred(of({ usesClusterSecrets: false }))).toBe(false);
    expect(isReferred(of({ namespace: "shared" }))).toBe(false);
  });
});

describe("a task that wants its data as files", () => {
  const variable = { type: { type: { case: "simple" as const, value: SimpleType.INTEGER } } };
  const declared = { inputs: { variables: { x: variable } }, outputs: { variables: { y: variable } } };
  const dataConfig = { enabled: true, outputPath: "/out", format: DataLoadingConfig_LiteralMapFormat.YAML };
  const task = (more: object = {}) => ({
    interface: declared,
    target: { case: "container" as const, value: { dataConfig } },
    ...more,
  });
  const flag = (args: readonly string[] = [], name: string) => args[args.indexOf(name) + 1];

  test("gets them by an init container and gives them back by a sidecar", () => {
    const pod = podOf({ template: task() });
    const [uploader, downloader] = pod.spec?.initContainers ?? [];
    expect(downloader).toMatchObject({
      name: "flyte-copilot-downloader",
      image: "example.com/copilot:1",
      volumeMounts: [{ name: "flyte-inputs", mountPath: "/var/flyte/inputs" }],
    });
    expect(uploader).toMatchObject({
      name: "flyte-copilot-uploader",
      restartPolicy: "Always",
      startupProbe: { exec: { command: ["/copilot", "is-ready", "--ready-socket", "skein-copilot"] } },
      volumeMounts: [{ name: "flyte-outputs", mountPath: "/out" }],
    });
    expect(downloader?.args?.slice(0, 9)).toEqual([
      ...[
        "download",
        "--from-remote",
        "s3://bucket/meta/frun/n0/0/inputs.pb",
        "--to-output-prefix",
        "s3://bucket/meta/frun/n0/0",
      ],
      ...["--to-local-dir", "/var/flyte/inputs", "--format", "YAML"],
    ]);
    const inputs = fromBytes(
      VariableMapSchema,
      Buffer.from(flag(downloader?.args, "--input-interface") ?? "", "base64"),
    );
    expect(Object.keys(inputs.variables)).toEqual(["x"]);
    expect(uploader?.args?.slice(0, 9)).toEqual([
      ...["sidecar", "--timeout", "600s", "--to-raw-output", "s3://bucket/raw/frun/n0/0"],
      ...["--to-output-prefix", "s3://bucket/meta/frun/n0/0", "--from-local-dir", "/out"],
    ]);
    expect(flag(uploader?.args, "--ready-socket")).toBe("skein-copilot");
    const outputs = fromBytes(TypedInterfaceSchema, Buffer.from(flag(uploader?.args, "--interface") ?? "", "base64"));
    expect(Object.keys(outputs.outputs?.variables ?? {})).toEqual(["y"]);
    expect(pod.spec?.terminationGracePeriodSeconds).toBe(600);
    expect(containerOf(pod).volumeMounts).toEqual([
      { name: "flyte-inputs", mountPath: "/var/flyte/inputs", readOnly: true },
      { name: "flyte-outputs", mountPath: "/out" },
    ]);
  });

  test("shares nothing of its environment with copilot, and has none of copilot's", () => {
    const settings = makeSettings(
      {},
      { copilotEnvironment: () => ({ AWS_SECRET_ACCESS_KEY: "key" }), confidential: { AWS_SECRET_ACCESS_KEY: "key" } },
    );
    const launch = makeLaunch({
      template: task(),
      environment: { OWN: "1" },
      secrets: [secret({ variables: ["S"], file: "f" })],
    });
    const { pod } = toPod(launch, settings, undefined);
    const reference = {
      name: "AWS_SECRET_ACCESS_KEY",
      valueFrom: { secretKeyRef: { name: "skein-confidential", key: "AWS_SECRET_ACCESS_KEY" } },
    };
    for (const name of ["flyte-copilot-downloader", "flyte-copilot-uploader"]) {
      expect(containerOf(pod, name).env).toEqual([reference]);
      expect(containerOf(pod, name).volumeMounts).toHaveLength(1);
      expect(containerOf(pod, name).securityContext?.allowPrivilegeEscalation).toBe(false);
    }
    expect(JSON.stringify(containerOf(pod).env)).not.toContain("AWS_SECRET");
  });

  test("needs only what it declares", () => {
    const inputs = { inputs: declared.inputs };
    expect(podOf({ template: task({ interface: inputs }) }).spec?.initContainers).toHaveLength(1);
    expect(podOf({ template: task({ interface: {} }) }).spec?.initContainers ?? []).toHaveLength(0);
  });

  test("cannot run where copilot has no image, nor beside a volume of the same name", () => {
    const settings = makeSettings({}, { copilotImage: undefined });
    expect(() => toPod(makeLaunch({ template: task() }), settings, undefined)).toThrow(
      "SKEIN_KUBERNETES_COPILOT_IMAGE",
    );
    const pod = podTask({ containers: [main], volumes: [{ name: "flyte-inputs", emptyDir: {} }] }, "main", {
      dataConfig,
    });
    expect(() => podOf({ template: { ...pod, interface: declared } })).toThrow('the volume "flyte-inputs" for itself');
  });
});

test("a task that names a PodTemplate says which", () => {
  expect(podTemplateName(makeLaunch({ template: { metadata: { podTemplateName: "gpu" } } }))).toBe("gpu");
  expect(podTemplateName(makeLaunch())).toBeUndefined();
});
