import { create } from "@bufbuild/protobuf";
import type { ClaimGrant } from "@skein/contracts";
import { fromBytes } from "@skein/idl";
import { TaskExecutionMetadataSchema } from "@skein/idl/connector";
import { LiteralMapSchema, type TaskTemplate } from "@skein/idl/core";
import type { Storage } from "@skein/storage";
import type { AttemptFolder } from "../ledger/attempt-folder.ts";
import type { Launch } from "../runtimes/runtime.ts";
import type { DataPlace } from "../task/data-place.ts";
import { readTaskTemplate } from "../task/prepare-launch.ts";
import { renderTemplate } from "../task/template.ts";
import type { ConnectorTask } from "./connector-client.ts";

/** As `prepareLaunch`, for a task that needs no container: what it has of one is filled in for the connector. */
export async function prepareConnectorLaunch(
  folder: AttemptFolder,
  grant: ClaimGrant,
  place: DataPlace,
): Promise<Launch> {
  const template = readTaskTemplate(grant);
  const { values, mounts, readable, writable } = await place.layOut(folder, grant, template);
  const render = (words: readonly string[]): string[] => renderTemplate(words, values);
  if (template.target.case === "container") {
    template.target.value.command = render(template.target.value.command);
    template.target.value.args = render(template.target.value.args);
  }
  return {
    folder,
    image: "",
    command: [],
    args: [],
    environment: grant.environment,
    callsHost: false,
    limits: {},
    secrets: [],
    template,
    grant,
    render,
    mounts,
    readable,
    writable,
  };
}

/** What a connector is told of a task, as Flyte tells it. */
export async function toConnectorTask(launch: Launch, storage: Storage): Promise<ConnectorTask> {
  const { folder, grant, template } = launch;
  const { inputs } = grant;
  const bytes = "data" in inputs ? Buffer.from(inputs.data, "base64") : await storage.get(inputs.uri);
  return {
    template,
    inputs: fromBytes(LiteralMapSchema, bytes),
    outputPrefix: grant.outputPrefix,
    taskExecutionMetadata: executionMetadata(folder, grant, template),
  };
}

function executionMetadata({ id }: AttemptFolder, grant: ClaimGrant, template: TaskTemplate) {
  const { project, domain, runName, actionName } = grant;
  const runAs = template.securityContext?.runAs;
  const account = runAs?.k8sServiceAccount || grant.serviceAccount || "";
  const executionId = { project, domain, name: runName, org: grant.org };
  return create(TaskExecutionMetadataSchema, {
    taskExecutionId: {
      ...(template.id && { taskId: template.id }),
      nodeExecutionId: { nodeId: actionName, executionId },
      retryAttempt: id.attempt,
    },
    namespace: `${project}-${domain}`,
    labels: {
      ...grant.labels,
      "execution-id": runName,
      project,
      domain,
      "node-id": actionName,
      "task-name": template.id?.name ?? "",
    },
    annotations: grant.annotations,
    k8sServiceAccount: account,
    environmentVariables: grant.environment,
    interruptible: grant.interruptible,
    ...((runAs || account !== "") && {
      identity: {
        iamRole: runAs?.iamRole ?? "",
        k8sServiceAccount: account,
        executionIdentity: runAs?.executionIdentity ?? "",
      },
    }),
  });
}
