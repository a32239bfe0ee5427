import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  BUSYBOX_IMAGE,
  requireKubernetes,
  startKubernetes,
  type TestKubernetes,
  type TestNamespace,
} from "./kubernetes.ts";
import { waitFor } from "./wait-for.ts";

describe.skipIf(!requireKubernetes())("the shared cluster", () => {
  let cluster: TestKubernetes;
  let namespace: TestNamespace;

  beforeAll(async () => {
    // As two test files would that begin at once.
    [cluster] = await Promise.all([startKubernetes(), startKubernetes()]);
    namespace = await cluster.createNamespace();
  }, 180_000);
  afterAll(() => namespace?.close());

  test("runs a pod to its end", async () => {
    await cluster.apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "hello", namespace: namespace.name },
      spec: {
        restartPolicy: "Never",
        containers: [{ name: "hello", image: BUSYBOX_IMAGE, command: ["echo", "hello"] }],
      },
    });
    const phase = () => cluster.kubectl("get", "pod", "hello", "-n", namespace.name, "-o", "jsonpath={.status.phase}");
    await waitFor(async () => (await phase()) === "Succeeded", { timeoutMs: 60_000, what: "the pod to end" });
    expect(await cluster.kubectl("logs", "hello", "-n", namespace.name)).toBe("hello\n");
  }, 90_000);
});
