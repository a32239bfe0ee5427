import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { namespaceManifests } from "../namespace/namespace-manifests.ts";
import { makeSettings } from "./launch.testsuite.ts";
import { PodRules, readPodRules } from "./pod-settings.ts";

test("no rules are rules", () => {
  expect(readPodRules("")).toMatchObject({
    podSecurity: "restricted",
    runAsUser: 1000,
    gpu: { resourceName: "nvidia.com/gpu" },
  });
  expect(readPodRules("# nothing\n")).toEqual(readPodRules("{}"));
});

test("rules are YAML", () => {
  const rules = readPodRules(`
podSecurity: baseline
interruptible:
  tolerations:
    - { key: spot, operator: Exists }
podTemplate:
  spec:
    imagePullSecrets: [{ name: registry }]
`);
  expect(rules).toMatchObject({
    podSecurity: "baseline",
    interruptible: { tolerations: [{ key: "spot", operator: "Exists" }], nodeSelector: {} },
    podTemplate: { spec: { imagePullSecrets: [{ name: "registry" }] } },
  });
});

test("all rules that the documentation shows can be read, and it shows all there are", () => {
  const page = readFileSync(new URL("../../../../../../docs/kubernetes.md", import.meta.url), "utf8");
  const [all = "", templates = ""] = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => text);
  expect(Object.keys(parse(all)).sort()).toEqual(Object.keys(PodRules.shape).sort());
  expect(readPodRules(all)).toMatchObject({
    shared: { labels: ["team"] },
    namespaces: { network: { mayReachMetadata: false } },
  });
  const settings = { ...makeSettings(), rules: readPodRules(templates) };
  const manifests = namespaceManifests("a-b", { org: "", project: "a", domain: "b" }, settings);
  expect(manifests.map(({ kind }) => kind)).toEqual(["Namespace", "ResourceQuota", "RoleBinding"]);
});

test.each([
  ["podSecurity: lax", /podSecurity: .*"restricted"/],
  ["podSecurty: baseline", /podSecurty/],
  ["runAsUser: 0", /runAsUser/],
  ["placement: { tolerations: [{ kei: a }] }", /placement.tolerations.0: it.kei is no field of Kubernetes/],
  ["podTemplate: { spec: { hostNetwork: 1 } }", /podTemplate: it.spec.hostNetwork must be a boolean/],
  ["podTemplate: []", /podTemplate: must be an object/],
  ["a: [", /rules for pods cannot be used/],
  ["just words", /the file: /],
])("rules that say %j are refused with what is wrong", (text, message) => {
  expect(() => readPodRules(text)).toThrow(message);
});
