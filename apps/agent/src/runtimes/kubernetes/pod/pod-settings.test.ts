import { expect, test } from "vitest";
import { readPodRules } from "./pod-settings.ts";

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
