import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeConfig, type V1Pod } from "@kubernetes/client-node";
import { BUSYBOX_IMAGE, requireKubernetes, startKubernetes, type TestKubernetes, waitFor } from "@skein/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AttemptFolder } from "../../../ledger/attempt-folder.ts";
import { ClusterClient } from "../cluster-client.ts";
import { ATTEMPT, GRANT, makeLaunch, makeSettings } from "../pod/launch.testsuite.ts";
import { namespaceOf } from "../pod/pod-name.ts";
import { toPod } from "../pod/to-pod.ts";
import { NamespaceKeeper } from "../prepare-namespace.ts";

describe.skipIf(!requireKubernetes())("projects of one cluster", () => {
  const settings = makeSettings({ defaultResources: { requests: { cpu: "10m" } } });
  const [one, two] = ["one", "two"].map((word) => ({ ...GRANT, project: `${word}${process.pid}` })) as [
    typeof GRANT,
    typeof GRANT,
  ];
  const outside = createServer((_request, response) => void response.end("outside\n"));
  let cluster: TestKubernetes;
  let client: ClusterClient;
  let pods = 0;

  beforeAll(async () => {
    cluster = await startKubernetes();
    const config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfig);
    client = new ClusterClient(config);
    const keeper = new NamespaceKeeper(client, settings, true);
    await Promise.all([one, two].map((grant) => keeper.prepare(namespaceOf(grant, settings), grant)));
    outside.listen(0, cluster.hostAddress);
    await once(outside, "listening");
  });
  afterAll(async () => {
    const namespaces = [one, two].map((grant) => namespaceOf(grant, settings));
    await cluster?.kubectl("delete", "namespace", ...namespaces, "--wait=false");
    client?.close();
    outside.close();
  });

  const start = async (grant: typeof GRANT, script: string): Promise<V1Pod> => {
    const folder = new AttemptFolder("/nowhere", { ...ATTEMPT, ordinal: ++pods });
    const change = { folder, grant: { ...grant, actionName: `n${pods}` }, image: BUSYBOX_IMAGE };
    const { pod } = toPod(makeLaunch({ ...change, command: ["sh", "-c", script], args: [] }), settings, undefined);
    return await client.json<V1Pod>({
      method: "POST",
      path: `/api/v1/namespaces/${pod.metadata?.namespace}/pods`,
      body: pod,
    });
  };
  const until = async ({ metadata }: V1Pod, isReached: (pod: V1Pod) => boolean): Promise<V1Pod> => {
    const path = `/api/v1/namespaces/${metadata?.namespace}/pods/${metadata?.name}`;
    return await waitFor(
      async () => {
        const pod = await client.json<V1Pod>({ method: "GET", path });
        return isReached(pod) ? pod : undefined;
      },
      { timeoutMs: 60_000, what: `the pod ${metadata?.name}` },
    );
  };
  const logOf = async (started: V1Pod): Promise<string> => {
    const { metadata } = await until(started, ({ status }) => status?.phase === "Succeeded");
    return await cluster.kubectl("-n", metadata?.namespace ?? "", "logs", metadata?.name ?? "");
  };

  test("reach their own pods and the world outside, and not each other", async () => {
    const serving = await start(one, "cd /tmp; echo inside >index.html; exec httpd -f -p 8080");
    const { status } = await until(serving, (pod) => pod.status?.phase === "Running" && pod.status.podIP !== undefined);
    const { port } = outside.address() as AddressInfo;
    // busybox' wget wants users and names of the C library, which the image lacks.
    const ask = (place: string) =>
      `printf "GET / HTTP/1.0\\r\\n\\r\\n" | nc -w 3 ${place} 2>/dev/null | tail -n 1 | grep .`;
    const places = [`${status?.podIP} 8080`, `${cluster.hostAddress} ${port}`] as const;
    const script = places.map((place) => `${ask(place)} || echo refused`).join("; ");
    const served = `until ${ask(places[0])} >/dev/null; do sleep 0.1; done`;
    expect(await logOf(await start(one, `${served}; ${script}`))).toBe("inside\noutside\n");
    expect(await logOf(await start(two, script))).toBe("refused\noutside\n");
  }, 180_000);
});
