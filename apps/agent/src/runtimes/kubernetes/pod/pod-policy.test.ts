import { describe, expect, test } from "vitest";
import { type HostilePod, OWN_HOLES, STANDARD_HOLES } from "./hostile-pods.testsuite.ts";
import { containerOf, makeLaunch, makeSettings, podTask } from "./launch.testsuite.ts";
import { toPod } from "./to-pod.ts";

const LEVELS = ["privileged", "baseline", "restricted"] as const;
const main = { name: "main", image: "i" };

const launchOf = ({ spec, annotations = {} }: Pick<HostilePod, "spec" | "annotations">) =>
  makeLaunch({ template: podTask(spec, "main", { metadata: { annotations } }) });
const podOf = (hostile: Pick<HostilePod, "spec" | "annotations">, rules: object = {}) =>
  toPod(launchOf(hostile), makeSettings(rules), undefined).pod;

describe.each(STANDARD_HOLES)("a task with $title", (hostile) => {
  test("is refused from the level on that forbids it, by name", () => {
    for (const podSecurity of LEVELS) {
      const make = () => podOf(hostile, { podSecurity });
      if (LEVELS.indexOf(podSecurity) < LEVELS.indexOf(hostile.standard ?? "privileged")) expect(make).not.toThrow();
      else expect(make).toThrow(hostile.named);
    }
  });

  test("is refused too when a template brings it in", () => {
    const template = { template: { spec: hostile.spec, metadata: { annotations: hostile.annotations } } };
    const isOwn = JSON.stringify(hostile.spec).includes('"side"');
    const task = podTask({
      containers: isOwn ? [main, { name: "side", image: "i" }] : [main],
      ...initOf(hostile.spec),
    });
    expect(() => toPod(makeLaunch({ template: task }), makeSettings(), template as never)).toThrow(hostile.named);
  });
});

/** A template changes only containers that the task has. */
const initOf = (spec: object) =>
  "initContainers" in spec ? { containers: [main], initContainers: [{ name: "side", image: "i" }] } : {};

test.each(OWN_HOLES)("a task with $title is refused at every level", (hostile) => {
  for (const podSecurity of LEVELS) expect(() => podOf(hostile, { podSecurity })).toThrow(hostile.named);
});

test("all that is wrong is said at once", () => {
  const spec = { hostPID: true, hostIPC: true, containers: [{ ...main, securityContext: { privileged: true } }] };
  expect(() => podOf({ spec })).toThrow(
    /"restricted".*hostPID.*; hostIPC.*; container "main": securityContext.privileged/,
  );
});

test("an ordinary task becomes safe without knowing of it", () => {
  const safe = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
  const spec = { containers: [main, { name: "side", image: "i" }], initContainers: [{ name: "init", image: "i" }] };
  const pod = podOf({ spec });
  expect(pod.spec).toMatchObject({
    restartPolicy: "Never",
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } },
  });
  for (const name of ["main", "side", "init"]) expect(containerOf(pod, name).securityContext).toEqual(safe);
  expect(podOf({ spec }, { runAsUser: "image" }).spec?.securityContext).not.toHaveProperty("runAsUser");
});

test("what a task says of its own safety stays", () => {
  const own = {
    runAsUser: 70,
    readOnlyRootFilesystem: true,
    capabilities: { add: ["NET_BIND_SERVICE"], drop: ["CHOWN"] },
  };
  const spec = { securityContext: { fsGroup: 7, runAsUser: 8 }, containers: [{ ...main, securityContext: own }] };
  const pod = podOf({ spec });
  expect(pod.spec?.securityContext).toMatchObject({ fsGroup: 7, runAsUser: 8, runAsNonRoot: true });
  expect(containerOf(pod, "main").securityContext).toEqual({
    ...own,
    allowPrivilegeEscalation: false,
    capabilities: { add: ["NET_BIND_SERVICE"], drop: ["ALL"] },
  });
});

test("at the level of privileged nothing is filled in", () => {
  const pod = podOf({ spec: { containers: [main] } }, { podSecurity: "privileged" });
  expect(pod.spec?.securityContext).toBeUndefined();
  expect(containerOf(pod, "main").securityContext).toBeUndefined();
});

describe("the service account of a pod", () => {
  const withAccount = (name: string) => ({ spec: { serviceAccountName: name, containers: [main] } });

  test("is any of its namespace, unless the administrator says which", () => {
    expect(podOf(withAccount("trainer")).spec?.serviceAccountName).toBe("trainer");
    expect(() => podOf(withAccount("trainer"), { serviceAccounts: { allowed: [] } })).toThrow(
      'account "trainer" is not for',
    );
  });

  test("is none that was not listed where all projects share a namespace", () => {
    const make = (rules: object) =>
      toPod(launchOf(withAccount("skein-launcher")), makeSettings(rules, { namespace: "skein" }), undefined).pod;
    expect(() => make({})).toThrow('"skein-launcher" is not for tasks');
    expect(make({ serviceAccounts: { allowed: ["skein-launcher"] } }).spec?.serviceAccountName).toBe("skein-launcher");
  });

  test("may bring its token only where the administrator allows it", () => {
    const spec = { automountServiceAccountToken: true, containers: [main] };
    expect(podOf({ spec }, { serviceAccounts: { mayMountToken: true } }).spec?.automountServiceAccountToken).toBe(true);
  });
});

describe("where all projects share a namespace", () => {
  const make = (spec: object, rules: object = {}, labels = {}) =>
    toPod(
      { ...launchOf({ spec }), grant: makeLaunch({ grant: { labels } }).grant },
      makeSettings(rules, { namespace: "skein" }),
      undefined,
    ).pod;
  const ref = (name: string) => ({ valueFrom: { secretKeyRef: { name, key: "k" } } });

  test.each<[string, object]>([
    ["a variable", { containers: [{ ...main, env: [{ name: "A", ...ref("database") }] }] }],
    [
      "all variables",
      {
        containers: [main],
        initContainers: [{ name: "i", image: "i", envFrom: [{ secretRef: { name: "database" } }] }],
      },
    ],
    ["a volume", { containers: [main], volumes: [{ name: "v", secret: { secretName: "database" } }] }],
    [
      "a part of a volume",
      { containers: [main], volumes: [{ name: "v", projected: { sources: [{ secret: { name: "database" } }] } }] },
    ],
    ["a disk", { containers: [main], volumes: [{ name: "v", persistentVolumeClaim: { claimName: "database" } }] }],
    [
      "a driver's volume",
      {
        containers: [main],
        volumes: [{ name: "v", csi: { driver: "d", nodePublishSecretRef: { name: "database" } } }],
      },
    ],
    ["a map", { containers: [{ ...main, envFrom: [{ configMapRef: { name: "database" } }] }] }],
  ])("a task may not take another's Secret or disk as %s", (_, spec) => {
    expect(() => make(spec)).toThrow('must not name "database"');
    expect(() => make(spec, { shared: { names: ["database"] } })).not.toThrow();
    expect(() => podOf({ spec })).not.toThrow();
  });

  test("a task cannot put itself behind another's Service", () => {
    const labels = { app: "api", team: "a" };
    const { metadata } = make({ containers: [main] }, { shared: { labels: ["team"] } }, labels);
    expect(metadata?.labels).toMatchObject({ team: "a", "app.kubernetes.io/name": "skein-task" });
    expect(metadata?.labels).not.toHaveProperty("app");
    expect(metadata?.annotations).toMatchObject(labels);
  });
});
