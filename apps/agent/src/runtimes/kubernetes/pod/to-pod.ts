import type { V1Pod, V1PodTemplate, V1Secret } from "@kubernetes/client-node";
import type { Launch } from "../../runtime.ts";
import { PRIMARY_ANNOTATION, platformLabels } from "./labels.ts";
import { namespaceOf, podName } from "./pod-name.ts";
import type { PodSettings } from "./pod-settings.ts";

/** A pod and, where it needs one, the Secret with all that the pod's own text must not hold. */
export interface PodWithSecret {
  readonly pod: V1Pod;
  /** Of the pod's name and namespace. Create it with `ownedBy`, so that it goes when the pod goes. */
  readonly secret: V1Secret | undefined;
}

/**
 * The pod of an attempt: what the administrator's rules, a named PodTemplate, the task's own pod and its container say, put
 * together in this order; then held to the administrator's policy. The same answer for the same launch. A SkeinError says
 * what of it cannot be.
 */
export function toPod(launch: Launch, settings: PodSettings, template: V1PodTemplate | undefined): PodWithSecret {
  void template;
  const { grant, folder } = launch;
  const pod: V1Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: podName(launch, settings),
      namespace: namespaceOf(grant, settings),
      labels: platformLabels(folder, grant, launch.template, settings.agentId),
      annotations: { [PRIMARY_ANNOTATION]: "primary" },
    },
    spec: {
      restartPolicy: "Never",
      containers: [
        {
          name: "primary",
          image: launch.image,
          command: [...launch.command],
          args: [...launch.args],
          env: Object.entries(launch.environment).map(([name, value]) => ({ name, value })),
        },
      ],
    },
  };
  return { pod, secret: undefined };
}

/** The PodTemplate that a task names, for `toPod`; undefined when it names none. */
export const podTemplateName = ({ template }: Pick<Launch, "template">): string | undefined =>
  template.metadata?.podTemplateName || undefined;

/** The Secret as it is created once its pod was: it ends with the pod. */
export function ownedBy(secret: V1Secret, pod: V1Pod): V1Secret {
  const { name = "", uid = "" } = pod.metadata ?? {};
  return {
    ...secret,
    metadata: { ...secret.metadata, ownerReferences: [{ apiVersion: "v1", kind: "Pod", name, uid }] },
  };
}
