import { SkeinError } from "@skein/errors";
import type { Logger } from "@skein/telemetry";
import type { AgentConfig } from "../config.ts";
import { sandboxFolders } from "../launch-settings.ts";
import { ProcessRuntime } from "./process.ts";
import type { Runtime } from "./runtime.ts";
import { openSandbox, type Sandbox } from "./sandbox.ts";

/** The runtime that the configuration asks for; failed_precondition when this machine cannot give it. */
export async function openRuntime(config: AgentConfig, agentId: string, logger: Logger): Promise<Runtime> {
  if (config.runtime === "docker") {
    const { openDockerRuntime } = await import("./docker.ts");
    const settings = {
      agentId,
      host: config.dockerHost,
      runtimeFolder: config.runtimeFolder,
      pull: config.dockerPull,
      authFile: config.dockerAuthFile,
      network: config.dockerNetwork,
      user: config.dockerUser,
      hasReadOnlyRoot: config.dockerReadOnlyRoot,
    };
    return await openDockerRuntime(settings, logger);
  }
  if (config.runtime === "kubernetes") {
    const { openKubernetesRuntime } = await import("./kubernetes/open-kubernetes.ts");
    return await openKubernetesRuntime(config, agentId);
  }
  return new ProcessRuntime({ sandbox: await isolation(config, logger) });
}

async function isolation(config: AgentConfig, logger: Logger): Promise<Sandbox | undefined> {
  if (config.isolation === "none") return undefined;
  const { hidden, programs } = sandboxFolders(config);
  const { sandbox, problem } = await openSandbox(hidden, programs);
  if (sandbox) return sandbox;
  if (config.isolation === "bwrap") {
    throw new SkeinError(
      "failed_precondition",
      "isolation_unavailable",
      `SKEIN_ISOLATION=bwrap, but ${problem}. Repair that, or set SKEIN_ISOLATION=none to run tasks unprotected`,
    );
  }
  logger.warn({ problem }, "Tasks run without isolation: they can read whatever the agent's account can read");
  return undefined;
}
