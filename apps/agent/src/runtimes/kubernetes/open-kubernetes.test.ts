import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTempFolder, freePort } from "@skein/testing";
import { afterAll, expect, test } from "vitest";
import { readAgentConfig } from "../../config.ts";
import { kubernetesSettings, openKubernetesRuntime } from "./open-kubernetes.ts";

const temp = createTempFolder("open-kubernetes");
afterAll(() => temp.close());

const configOf = (more: Readonly<Record<string, string>>) =>
  readAgentConfig({
    SKEIN_STORAGE: "s3://bucket/skein",
    SKEIN_API_URL: "http://localhost:8088",
    SKEIN_AGENT_TOKEN: "token",
    SKEIN_AGENT_HOME: "/var/lib/skein/agent",
    SKEIN_RUNTIME: "kubernetes",
    ...more,
  });
const fileOf = (name: string, content: string): string => {
  const path = join(temp.path, name);
  writeFileSync(path, content);
  return path;
};

test("file storage cannot serve pods, and the error says what can", async () => {
  const opening = openKubernetesRuntime(configOf({ SKEIN_STORAGE: "file:///var/lib/skein/storage" }), "a");
  await expect(opening).rejects.toThrow(/file:\/\/\/var\/lib\/skein\/storage cannot serve pods.*s3:\/\//);
});

test("a cluster that does not answer, or a kubeconfig that is none, is named", async () => {
  const server = `http://127.0.0.1:${await freePort()}`;
  const kubeconfig = {
    clusters: [{ name: "c", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "u", user: {} }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  };
  const away = configOf({ SKEIN_KUBERNETES_CONFIG: fileOf("away", JSON.stringify(kubeconfig)) });
  await expect(openKubernetesRuntime(away, "a")).rejects.toThrow(`${server} cannot be used`);
  const none = configOf({ SKEIN_KUBERNETES_CONFIG: "/nowhere/kubeconfig" });
  await expect(openKubernetesRuntime(none, "a")).rejects.toThrow(/\/nowhere\/kubeconfig.*SKEIN_KUBERNETES_CONFIG/);
});

test("rules are read from their file, and keys of the store are kept out of pods", async () => {
  const config = configOf({
    SKEIN_KUBERNETES_RULES_FILE: fileOf("rules.yaml", "podSecurity: baseline\n"),
    SKEIN_KUBERNETES_NAMESPACE: "tasks",
    SKEIN_TASK_AWS_ACCESS_KEY_ID: "id",
    SKEIN_TASK_AWS_SECRET_ACCESS_KEY: "key",
  });
  const { pods, makesNamespaces, nodeLostSeconds } = await kubernetesSettings(config, "a");
  expect({ level: pods.rules.podSecurity, makesNamespaces, nodeLostSeconds }).toEqual({
    ...{ level: "baseline", makesNamespaces: false, nodeLostSeconds: 120 },
  });
  expect(pods.confidential).toEqual({ FLYTE_AWS_SECRET_ACCESS_KEY: "key", AWS_SECRET_ACCESS_KEY: "key" });
  const wrong = configOf({ SKEIN_KUBERNETES_RULES_FILE: fileOf("wrong.yaml", "podSecurity: none\n") });
  await expect(kubernetesSettings(wrong, "a")).rejects.toThrow(/podSecurity/);
});
