import { describe, expect, test } from "vitest";
import { makeSettings } from "../pod/launch.testsuite.ts";
import type { PodSettings } from "../pod/pod-settings.ts";
import { confidentialManifest, namespaceManifests } from "./namespace-manifests.ts";

const OWNER = { org: "", project: "flights", domain: "development" };
const manifestsOf = (namespaces: object = {}, change: Partial<PodSettings> = {}) =>
  namespaceManifests("flights-development", OWNER, makeSettings({ namespaces }, change));
const kindsOf = (manifests: readonly { kind: string }[]) => manifests.map(({ kind }) => kind);
const find = (kind: string, ...given: Parameters<typeof manifestsOf>) => {
  const found = manifestsOf(...given).find((manifest) => manifest.kind === kind);
  if (!found) throw new Error(`no ${kind}`);
  return found;
};

describe("a project's namespace", () => {
  test("comes first, and holds its account, its bounds and its network", () => {
    expect(kindsOf(manifestsOf())).toEqual([
      "Namespace",
      "ServiceAccount",
      "ResourceQuota",
      "LimitRange",
      "NetworkPolicy",
    ]);
    for (const { kind, metadata } of manifestsOf()) {
      expect(metadata.namespace).toBe(kind === "Namespace" ? undefined : "flights-development");
    }
  });

  test("refuses by itself what the policy forbids, and says whose it is", () => {
    expect(find("Namespace").metadata).toMatchObject({
      name: "flights-development",
      labels: {
        "pod-security.kubernetes.io/enforce": "restricted",
        "skein.dev/project": "flights",
        "skein.dev/domain": "development",
      },
    });
    const [first] = namespaceManifests("n", OWNER, makeSettings({ podSecurity: "baseline" }));
    expect(first?.metadata.labels).toMatchObject({ "pod-security.kubernetes.io/enforce": "baseline" });
  });

  test("has an account without a token, and with the role that the administrator names", () => {
    const role = { "eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/{{ project }}-{{ domain }}" };
    expect(find("ServiceAccount", { serviceAccountAnnotations: role })).toMatchObject({
      metadata: {
        name: "default",
        annotations: { "eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/flights-development" },
      },
      automountServiceAccountToken: false,
    });
  });

  test("is bounded as the administrator says", () => {
    expect(find("ResourceQuota", { quota: { "requests.cpu": "4" } }).spec).toEqual({ hard: { "requests.cpu": "4" } });
    const limits = { requests: { cpu: "1m" }, limits: { memory: "1Mi" } };
    expect(find("LimitRange", { limits }).spec).toEqual({
      limits: [{ type: "Container", default: { memory: "1Mi" }, defaultRequest: { cpu: "1m" } }],
    });
  });

  test("is closed to others, and its pods reach neither others' nor the cloud's own rights", () => {
    const network = {
      podCidrs: ["10.7.1.0/24", "fd00::/8"],
      reachableNamespaces: ["skein"],
      reachableCidrs: ["0.0.0.0/0", "::/0", "10.7.0.0/16"],
    };
    expect(find("NetworkPolicy", { network }).spec).toEqual({
      podSelector: {},
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ from: [{ podSelector: {} }] }],
      egress: [
        {
          ports: [
            { protocol: "UDP", port: 53 },
            { protocol: "TCP", port: 53 },
          ],
        },
        {
          to: [
            { podSelector: {} },
            { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "skein" } } },
            { ipBlock: { cidr: "0.0.0.0/0", except: ["10.7.1.0/24", "169.254.169.254/32"] } },
            { ipBlock: { cidr: "::/0", except: ["fd00::/8", "fd00:ec2::254/128"] } },
            { ipBlock: { cidr: "10.7.0.0/16", except: ["10.7.1.0/24"] } },
          ],
        },
      ],
    });
    expect(JSON.stringify(find("NetworkPolicy"))).not.toContain("::");
    expect(JSON.stringify(find("NetworkPolicy", { network: { mayReachMetadata: true } }))).not.toContain("169.254");
    expect(kindsOf(manifestsOf({ network: { isOpen: true } }))).not.toContain("NetworkPolicy");
  });

  test("keeps what all its tasks may know", () => {
    const settings = makeSettings({}, { confidential: { KEY: "value" } });
    expect(kindsOf(namespaceManifests("n", OWNER, settings))).toContain("Secret");
    expect(confidentialManifest("n", settings)).toMatchObject({
      metadata: { name: "skein-confidential", namespace: "n" },
      data: { KEY: Buffer.from("value").toString("base64") },
    });
    expect(confidentialManifest("n", makeSettings())).toBeUndefined();
  });
});

describe("an administrator's templates", () => {
  const templates = `
apiVersion: v1
kind: ResourceQuota
metadata:
  name: "{{ project }}"
spec:
  hard: { pods: "{{pods}}" }
---
# nothing but words
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: x, namespace: elsewhere }
`;

  test("stand instead of the built-in manifests, with their words filled in", () => {
    const values = { pods: "7" };
    const [namespace, quota, binding, ...more] = manifestsOf({ templates, values }, { confidential: { A: "b" } });
    expect(namespace).toMatchObject({ kind: "Namespace", metadata: { name: "flights-development" } });
    expect(quota).toEqual({
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name: "flights", namespace: "flights-development" },
      spec: { hard: { pods: "7" } },
    });
    expect(binding?.metadata).toEqual({ name: "x", namespace: "elsewhere" });
    expect(kindsOf(more)).toEqual(["Secret"]);
  });

  test("may have the namespace itself, which still comes first", () => {
    const own = `${templates}---\napiVersion: v1\nkind: Namespace\nmetadata: { name: "{{ namespace }}", labels: { team: a } }`;
    const manifests = manifestsOf({ templates: own, values: { pods: "1" } });
    expect(kindsOf(manifests)).toEqual(["Namespace", "ResourceQuota", "RoleBinding"]);
    expect(manifests[0]?.metadata).toEqual({ name: "flights-development", labels: { team: "a" } });
  });

  test.each([
    ["a: {{ nobody }}", "nothing is known for {{ nobody }}"],
    ["a: {{ constructor }}", "nothing is known for {{ constructor }}"],
    ["a: [", "document 1"],
    ["kind: Role", "document 1 needs apiVersion, kind and metadata.name"],
    ["- a\n- b", "document 1 needs apiVersion, kind and metadata.name"],
  ])("that say %j are refused with the reason", (text, message) => {
    expect(() => manifestsOf({ templates: text })).toThrow(message);
  });

  test("are filled with what is set for the project first, but for what the project is", () => {
    const settings = makeSettings({ namespaces: { templates, values: { pods: "7" } } });
    const own = { pods: "9", project: "other", role: "arn:aws:iam::1:role/geese" };
    const [, quota] = namespaceManifests("flights-development", OWNER, settings, own);
    expect(quota).toMatchObject({ metadata: { name: "flights" }, spec: { hard: { pods: "9" } } });
    for (const pods of ['9" }\n---\nkind: ClusterRole', "a: b", "x:", "[1]", ""]) {
      expect(() => namespaceManifests("n", OWNER, settings, { pods })).toThrow("{{ pods }}");
    }
  });

  test("are not filled with what would mean more than itself", () => {
    const owner = { ...OWNER, project: 'x"\nkind: ClusterRole' };
    const settings = makeSettings({ namespaces: { templates, values: { pods: "1" } } });
    expect(() => namespaceManifests("n", owner, settings)).toThrow("cannot stand in a template");
  });
});
