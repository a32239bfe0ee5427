import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { V1Pod } from "@kubernetes/client-node";
import { createTempFolder, type TestKubernetes } from "@skein/testing";
import { AttemptFolder } from "../../ledger/attempt-folder.ts";
import type { Launch } from "../runtime.ts";
import { ClusterClient, type ClusterRequest, readKubeConfig } from "./cluster-client.ts";
import { KubernetesRuntime, type KubernetesSettings } from "./kubernetes-runtime.ts";
import { podName } from "./pod/index.ts";
import { type LaunchChange, makeLaunch, makeSettings } from "./pod/launch.testsuite.ts";

export interface LauncherOptions {
  readonly cluster: TestKubernetes;
  /** Tells the launchers of one test file from others' in the cluster; part of the namespace's name. */
  readonly project: string;
  readonly rules?: object;
  readonly settings?: Partial<KubernetesSettings>;
  readonly pods?: Parameters<typeof makeSettings>[1];
  readonly kubeconfig?: string;
}

export interface TestLauncher {
  readonly runtime: KubernetesRuntime;
  readonly requests: readonly ClusterRequest[];
  /** Why an attempt did not run yet, in the order in which it was told. */
  reasons(launch: Launch): readonly string[];
  launchOf(script: string, change?: LaunchChange): Promise<Launch>;
  /** Throws the failure, should there be one. */
  start(script: string, change?: LaunchChange): Promise<Launch>;
  /** What is in the log; all of it once its end was watched. */
  log(launch: Launch): Promise<string>;
  pod(launch: Launch): Promise<V1Pod>;
  /** kubectl on the launch's pod: the words before and after its name. */
  kubectl(launch: Launch, before: readonly string[], after?: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

const SMALL = { requests: { cpu: "1m", memory: "8Mi" }, limits: { cpu: "1", memory: "64Mi" } };
let runs = 0;

/** The namespace in which the pods of `project` run. */
export const namespaceIn = (project: string): string => `${project}-development`;

/** A runtime as a launcher has it, on a real cluster. */
export async function openLauncher(options: LauncherOptions): Promise<TestLauncher> {
  const { cluster, project } = options;
  const temp = createTempFolder("launcher");
  const requests: ClusterRequest[] = [];
  const reasons = new Map<string, string[]>();
  const settings: KubernetesSettings = {
    pods: makeSettings({ defaultResources: SMALL, ...options.rules }, { agentId: project, ...options.pods }),
    makesNamespaces: true,
    imagePullSeconds: 3,
    createSeconds: 3,
    pendingSeconds: 0,
    nodeLostSeconds: 30,
    ...options.settings,
  };
  const config = readKubeConfig(options.kubeconfig ?? cluster.kubeconfig);
  const runtime = new KubernetesRuntime(new ClusterClient(config, (request) => requests.push(request)), settings);
  runtime.onWaiting = ({ key }, reason) => reasons.set(key, [...(reasons.get(key) ?? []), reason]);
  await runtime.open();
  const launchOf = async (script: string, change: LaunchChange = {}): Promise<Launch> => {
    const run = ++runs;
    const runId = `01990000-0000-7000-8000-${String(process.pid * 10_000 + run).padStart(12, "0")}`;
    const folder = new AttemptFolder(join(temp.path, "attempts"), { runId, ordinal: 2, attempt: 0 });
    await mkdir(folder.path, { recursive: true });
    await folder.prepare();
    const grant = { project, runName: `r${run}`, ...change.grant };
    const image = "docker.io/library/busybox:1.35";
    return makeLaunch({ image, folder, command: ["sh", "-c", script], args: [], ...change, grant });
  };
  const kubectl: TestLauncher["kubectl"] = (launch, before, after = []) =>
    cluster.kubectl("-n", namespaceIn(project), ...before, podName(launch, settings.pods), ...after);
  return {
    runtime,
    requests,
    reasons: ({ folder }) => reasons.get(folder.key) ?? [],
    launchOf,
    start: async (script, change) => {
      const launch = await launchOf(script, change);
      const failure = await runtime.start(launch);
      if (failure) throw new Error(failure.message);
      return launch;
    },
    log: async ({ folder }) => {
      await runtime.whenLogged(folder);
      return await readFile(folder.log, "utf8");
    },
    pod: async (launch) => JSON.parse(await kubectl(launch, ["get", "pod"], ["-o", "json"])) as V1Pod,
    kubectl,
    close: async () => {
      await runtime.close();
      await temp.close();
    },
  };
}
