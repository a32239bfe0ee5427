import {
  type AdminClient,
  BUSYBOX_IMAGE,
  chainOf,
  commandTask,
  integerInterface,
  openAdminClient,
  register,
  startKubernetes,
  TEST_TENANT,
  type TestKubernetes,
  taskNode,
  waitFor,
  workflowOf,
} from "@skein/testing";
import { startSkein } from "../../tests/e2e/src/index.ts";
import { timeRun } from "./cases.ts";
import { median } from "./marks.ts";
import { openPlainPods, type PlainPods } from "./plain-pods.ts";

const CHAIN = 5;
const FAN = 50;
/** Pods take both processors for many seconds; asking more often would only take its part of them. */
const FAN_POLL_MS = 100;
const COMMAND = ["/bin/true"];
const TASK = commandTask("bench.pod", COMMAND, { image: BUSYBOX_IMAGE });
const WORKFLOWS = { chain: "bench.podchain", fan: "bench.podfan" };

const numbered = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

async function registerAll(admin: AdminClient): Promise<void> {
  const fan = numbered(FAN).map((at) => taskNode(`n${at}`, TASK));
  const workflows = [chainOf(WORKFLOWS.chain, TASK, CHAIN), workflowOf(WORKFLOWS.fan, fan, integerInterface([], []))];
  await register(admin, [TASK], workflows);
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

async function plainChain(pods: PlainPods, round: number): Promise<void> {
  for (const at of numbered(CHAIN)) await pods.run([`chain-${round}-${at}`]);
}

/** Where Skein's pods are, and the others too: quota, limits and policies of the namespace hold for both. */
const namespace = `${TEST_TENANT.project}-${TEST_TENANT.domain}`;

/** So that one round's ends do not slow the next one's starts. */
async function untilNoPods({ kubectl }: TestKubernetes): Promise<void> {
  const isEmpty = async () => (await kubectl("get", "pods", "-n", namespace, "-o", "name")).trim() === "";
  await waitFor(isEmpty, { timeoutMs: 60_000, what: "the pods to be gone" });
}

/**
 * What Skein adds to pods: the same busybox pods through Skein and by the plain API, in turn, so that a slow moment of
 * the machine hits both. The first round of each is not counted.
 */
export async function measurePods(rounds: number): Promise<Readonly<Record<string, number>>> {
  const kubernetes = await startKubernetes();
  const skein = await startSkein({
    queue: "redis",
    storage: "s3",
    apis: 1,
    schedulers: 1,
    agents: 1,
    agentSlots: 100,
    runtime: "kubernetes",
    env: { SKEIN_LOG_LEVEL: "warn", SKEIN_KUBERNETES_CONFIG: kubernetes.kubeconfig },
  });
  let plain: PlainPods | undefined;
  try {
    const admin = openAdminClient(skein.url);
    await registerAll(admin);
    // The first pod has the namespace made.
    await timeRun(admin, WORKFLOWS.chain, {});
    const place = { kubeconfig: kubernetes.kubeconfig, namespace };
    const pods = await openPlainPods({ ...place, image: BUSYBOX_IMAGE, command: COMMAND });
    plain = pods;
    const seconds: Record<"plainChain" | "skeinChain" | "plainFan" | "skeinFan", number>[] = [];
    for (const round of numbered(rounds + 1)) {
      seconds.push({
        plainChain: await secondsOf(() => plainChain(pods, round)),
        skeinChain: (await timeRun(admin, WORKFLOWS.chain, {})).seconds,
        plainFan: await secondsOf(() => pods.run(numbered(FAN).map((at) => `fan-${round}-${at}`))),
        skeinFan: (await timeRun(admin, WORKFLOWS.fan, {}, FAN_POLL_MS)).seconds,
      });
      await untilNoPods(kubernetes);
    }
    const medianOf = (name: keyof (typeof seconds)[number]) => median(seconds.slice(1).map((figures) => figures[name]));
    const chain = { plain: medianOf("plainChain"), skein: medianOf("skeinChain") };
    const fan = { plain: medianOf("plainFan"), skein: medianOf("skeinFan") };
    return {
      plain_chain_seconds: chain.plain,
      chain_seconds: chain.skein,
      added_seconds_per_pod: Number(((chain.skein - chain.plain) / CHAIN).toFixed(3)),
      plain_fan_seconds: fan.plain,
      fan_seconds: fan.skein,
      added_to_fan: Number((fan.skein / fan.plain - 1).toFixed(3)),
    };
  } finally {
    plain?.close();
    await skein.close();
  }
}
