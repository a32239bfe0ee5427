import type { V1Pod, V1PodSpec, V1PodTemplate, V1Secret } from "@kubernetes/client-node";
import { SECRETS_FOLDER, secretEnvironment } from "../../../secrets/inject.ts";
import type { Launch } from "../../runtime.ts";
import { clusterSecrets } from "./cluster-secrets.ts";
import { Confidences } from "./confidences.ts";
import { completeResources } from "./container-resources.ts";
import { DOWNLOADER, UPLOADER, withCopilot } from "./copilot-containers.ts";
import { type Json, jsonOf } from "./json.ts";
import { placePod } from "./place-pod.ts";
import { mapContainers, ontoTemplate, type PodDraft, withVariables } from "./pod-draft.ts";
import { podMetadata } from "./pod-metadata.ts";
import { checkPod, hardenPod } from "./pod-policy.ts";
import type { PodRules, PodSettings } from "./pod-settings.ts";
import { containerWithin, rulesWithin } from "./policy-resources.ts";
import { Problems } from "./problems.ts";
import { withSharedMemory } from "./shared-memory.ts";
import { checkContainers, taskPod } from "./task-pod.ts";

/** A pod and, where it needs one, the Secret with all that the pod's own text must not hold. */
export interface PodWithSecret {
  readonly pod: V1Pod;
  /** Of the pod's name and namespace. Create it with `ownedBy`, so that it goes when the pod goes. */
  readonly secret: V1Secret | undefined;
}

/** Where the pod is, by flytekit's own name for it. */
const POD_NAME_VARIABLE = { name: "_F_PN", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } };
/** Variables of the task that its other containers have too. */
const SHARED_VARIABLE =
  /^(FLYTE_INTERNAL_|FLYTE_ATTEMPT_NUMBER$|FLYTE_K8S_ARRAY_INDEX$|BATCH_JOB_ARRAY_INDEX_VAR_NAME$)/;

/**
 * The pod of an attempt: what the administrator's rules, a named PodTemplate, the task's own pod and its container say, put
 * together in this order, then held to the administrator's policy. The same answer for the same launch. A SkeinError says
 * what of it cannot be.
 */
export function toPod(launch: Launch, settings: PodSettings, template: V1PodTemplate | undefined): PodWithSecret {
  const { rules } = settings;
  const problems = new Problems();
  const own = withAccount(taskPod(launch), launch);
  const named = template ? ontoTemplate(jsonOf(template.template), own) : own;
  const merged = ontoTemplate(rules.podTemplate, named);
  checkContainers(merged.spec);
  const sized = sizedSpec(merged, launch, rules);
  const placed = placePod(sized, launch, rules, problems);
  const whole = withCopilot(
    withSharedMemory({ ...merged, spec: placed }, launch.template.extendedResources?.sharedMemory),
    launch,
    settings,
  );
  const spec = hardenPod(withLimits(whole.spec, launch, settings), settings);
  const metadata = podMetadata(whole, launch, settings);
  checkPod(spec, jsonOf(metadata), settings, problems);
  problems.throwAny("pod_forbidden", `The pod is not what this cluster allows (Pod Security "${rules.podSecurity}")`);
  const confidences = new Confidences(metadata.name, launch, settings);
  const complete = withEnvironment({ ...whole, spec }, launch, settings, confidences);
  const { name, namespace, labels } = metadata;
  return {
    // The spelling is the API's, and every field was checked or is ours.
    pod: { apiVersion: "v1", kind: "Pod", metadata, spec: complete as unknown as V1PodSpec },
    secret: confidences.toSecret({ name, namespace, labels }),
  };
}

/** The containers with what they may use, by the cluster's rules and those of the launch's project. */
function sizedSpec({ spec, primary }: PodDraft, { grant }: Launch, ofCluster: PodRules): Json {
  const rules = rulesWithin(ofCluster, grant.policy);
  return mapContainers(spec, (container, isInit) => ({
    ...(rules.imagePullPolicy === undefined ? {} : { imagePullPolicy: rules.imagePullPolicy }),
    ...container,
    resources: completeResources(
      containerWithin(container, rules, grant.policy),
      rules,
      !isInit && container.name === primary,
    ),
  }));
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

/** The account that the task or its run asks for, unless the task's pod names one itself. */
function withAccount(draft: PodDraft, { template, grant }: Launch): PodDraft {
  const { serviceAccount, serviceAccountName = serviceAccount, ...rest } = draft.spec;
  const name = serviceAccountName || template.securityContext?.runAs?.k8sServiceAccount || grant.serviceAccount;
  return { ...draft, spec: name ? { ...rest, serviceAccountName: name } : rest };
}

/** Fills in the usual account, and ends the pod some time after its task should have. */
function withLimits(spec: Json, { grant }: Launch, { rules }: PodSettings): Json {
  const deadline = grant.timeoutMs > 0 ? Math.ceil(grant.timeoutMs / 1_000) + rules.deadlineSlackSeconds : Infinity;
  const activeDeadlineSeconds = Math.min(deadline, Number(spec.activeDeadlineSeconds ?? Infinity));
  return {
    serviceAccountName: rules.serviceAccounts.default,
    ...spec,
    ...(activeDeadlineSeconds === Infinity ? {} : { activeDeadlineSeconds }),
  };
}

/** Gives every container its variables and secrets, none of which stands in the pod's text if it is to be kept. */
function withEnvironment(draft: PodDraft, launch: Launch, settings: PodSettings, confidences: Confidences): Json {
  const cluster = clusterSecrets(launch, settings);
  const secrets = [...confidences.secretVariables(launch.secrets), ...cluster.variables];
  const places = secretEnvironment({ grant: launch.grant, secrets: [] }, SECRETS_FOLDER);
  const shared = Object.fromEntries(Object.entries(launch.environment).filter(([name]) => SHARED_VARIABLE.test(name)));
  const variablesOf = (container: Json): Json[] => {
    if (isCopilot(container.name)) return confidences.variables(settings.copilotEnvironment(launch.grant));
    const ofTask = container.name === draft.primary ? launch.environment : { ...shared, ...launch.grant.environment };
    return [...confidences.variables({ ...ofTask, ...places }), POD_NAME_VARIABLE, ...secrets];
  };
  const spec = mapContainers(draft.spec, (container) => withVariables(container, variablesOf(container)));
  return confidences.withFiles(spec, launch.secrets, cluster.sources, (name) => !isCopilot(name));
}

const isCopilot = (container: unknown): boolean => container === DOWNLOADER || container === UPLOADER;
