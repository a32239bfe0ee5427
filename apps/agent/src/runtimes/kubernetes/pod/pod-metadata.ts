import type { V1ObjectMeta } from "@kubernetes/client-node";
import type { Launch } from "../../runtime.ts";
import { isLabelName, isLabelValue, OWN_PREFIX, PRIMARY_ANNOTATION, platformLabels, runLabels } from "./labels.ts";
import type { PodDraft } from "./pod-draft.ts";
import { namespaceOf, podName } from "./pod-name.ts";
import type { PodSettings } from "./pod-settings.ts";
import { Problems } from "./problems.ts";

type Texts = Readonly<Record<string, string>>;

/** What Kubernetes itself reads from annotations, in ways that no task should have. */
const FORBIDDEN_ANNOTATION = /^kubernetes\.io\/config\./;

export interface PodMetadata extends V1ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  readonly labels: { [name: string]: string };
}

/** The pod's name, labels and annotations. The platform's own win over the run's, and those over the pod's. */
export function podMetadata(draft: PodDraft, launch: Launch, settings: PodSettings): PodMetadata {
  checkNames(draft);
  const { folder, grant, template } = launch;
  const labels = { ...draft.labels, ...runLabels(grant) };
  const kept = settings.namespace === undefined ? labels : only(labels, settings.rules.shared.labels);
  const moved = settings.namespace === undefined ? {} : labels;
  return {
    name: podName(launch, settings),
    namespace: namespaceOf(grant, settings),
    labels: { ...foreign(kept), ...platformLabels(folder, grant, template, settings.agentId) },
    annotations: {
      ...foreign({ ...moved, ...draft.annotations, ...named(grant.annotations) }),
      [PRIMARY_ANNOTATION]: draft.primary,
    },
  };
}

/** What a pod's author wrote must be what the pod gets. */
function checkNames({ labels, annotations }: PodDraft): void {
  const problems = new Problems();
  for (const [name, value] of Object.entries(labels)) {
    if (!isLabelName(name)) problems.add(`${JSON.stringify(name)} cannot be the name of a label`);
    if (!isLabelValue(value)) problems.add(`the label ${name} cannot be ${JSON.stringify(value)}`);
  }
  for (const name of Object.keys(annotations)) {
    if (!isLabelName(name)) problems.add(`${JSON.stringify(name)} cannot be the name of an annotation`);
  }
  problems.throwAny("pod_metadata_invalid", "The task's pod cannot be made");
}

const filter = (texts: Texts, isKept: (name: string) => boolean): Texts =>
  Object.fromEntries(Object.entries(texts).filter(([name]) => isKept(name)));

const only = (texts: Texts, names: readonly string[]): Texts => filter(texts, (name) => names.includes(name));

const named = (texts: Texts): Texts => filter(texts, isLabelName);

const foreign = (texts: Texts): Texts =>
  filter(texts, (name) => !name.startsWith(OWN_PREFIX) && !FORBIDDEN_ANNOTATION.test(name));
