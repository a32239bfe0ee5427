import { readFile } from "node:fs/promises";
import { SkeinError } from "@skein/errors";
import type { AgentConfig } from "../../config.ts";
import { scopedTo, storeEnvironment } from "../../task/store-environment.ts";
import { taskStoreAccess } from "../../task-store-access.ts";
import type { Runtime } from "../runtime.ts";
import { ClusterClient, type ClusterError, readKubeConfig } from "./cluster-client.ts";
import { KubernetesRuntime, type KubernetesSettings } from "./kubernetes-runtime.ts";
import { readPodRules } from "./pod/index.ts";

/** Variables whose values open something. */
const CONFIDENTIAL = /SECRET_ACCESS_KEY$|SESSION_TOKEN$|ACCOUNT_KEY$|SAS_TOKEN$|CONNECTION_STRING$/;

/** Connects to the cluster; failed_precondition with what to do when that does not work. */
export async function openKubernetesRuntime(config: AgentConfig, agentId: string): Promise<Runtime> {
  if (config.storage.startsWith("file://")) {
    throw invalid(
      "kubernetes_needs_store",
      `SKEIN_STORAGE=${config.storage} cannot serve pods, which share no disk with the launcher: use s3://, gs:// or abfs://`,
    );
  }
  const settings = await kubernetesSettings(config, agentId);
  const client = openClient(config);
  const runtime = new KubernetesRuntime(client, settings);
  try {
    await runtime.open();
    return runtime;
  } catch (error) {
    await runtime.close();
    throw invalid("kubernetes_unavailable", adviceFor(error as Error, client.server, config), error);
  }
}

/** What the launcher's configuration says of pods. */
export async function kubernetesSettings(config: AgentConfig, agentId: string): Promise<KubernetesSettings> {
  const access = taskStoreAccess(config);
  const secrets = Object.entries(storeEnvironment(access)).filter(([name]) => CONFIDENTIAL.test(name));
  return {
    pods: {
      agentId,
      namespace: config.kubernetesNamespace,
      rules: readPodRules(await readRules(config.kubernetesRulesFile)),
      copilotImage: config.kubernetesCopilotImage,
      copilotEnvironment: (grant) => ({
        ...storeEnvironment(scopedTo(access, grant.storeCredentials)),
        SKEIN_STORAGE: config.storage,
        ...(config.azureEndpoint !== undefined && { SKEIN_AZURE_ENDPOINT: config.azureEndpoint }),
      }),
      confidential: Object.fromEntries(secrets),
      usesClusterSecrets: config.kubernetesClusterSecrets,
    },
    makesNamespaces: config.kubernetesNamespace === undefined && config.kubernetesMakeNamespaces,
    imagePullSeconds: config.kubernetesImagePullGraceSeconds,
    createSeconds: config.kubernetesCreateGraceSeconds,
    pendingSeconds: config.kubernetesPendingSecondsMax,
    nodeLostSeconds: config.kubernetesNodeLostSeconds,
  };
}

function openClient(config: AgentConfig): ClusterClient {
  try {
    return new ClusterClient(readKubeConfig(config.kubernetesConfig));
  } catch (error) {
    const message = `The kubeconfig cannot be read (${(error as Error).message}): correct SKEIN_KUBERNETES_CONFIG`;
    throw invalid("kubeconfig_invalid", message, error);
  }
}

async function readRules(file: string | undefined): Promise<string> {
  if (file === undefined) return "";
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const message = `The rules for pods cannot be read (${(error as Error).message}): correct SKEIN_KUBERNETES_RULES_FILE`;
    throw invalid("pod_rules_unreadable", message, error);
  }
}

function adviceFor(error: Error, server: string, { kubernetesNamespace }: AgentConfig): string {
  const { status } = error as Partial<ClusterError>;
  const place = kubernetesNamespace === undefined ? "of all namespaces" : `of the namespace ${kubernetesNamespace}`;
  if (status !== 403) return `The Kubernetes API server ${server} cannot be used: ${error.message}`;
  return `The launcher may not list the pods ${place}: ${error.message}. Give its account the role, or set SKEIN_KUBERNETES_NAMESPACE to the namespace that it may use`;
}

const invalid = (reason: string, message: string, cause?: unknown): SkeinError =>
  new SkeinError("failed_precondition", reason, message, { cause });
