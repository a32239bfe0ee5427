import { CONFIDENTIAL_SECRET } from "../pod/confidences.ts";
import type { PodSettings } from "../pod/pod-settings.ts";
import { builtInManifests, builtInNamespace } from "./built-in-manifests.ts";
import type { Manifest, NamespaceOwner } from "./manifest.ts";
import { templateManifests, templateWords } from "./manifest-templates.ts";

/**
 * What must be in a cluster before a project's pods are, in the order in which it is applied: by the server's side, as often
 * as one likes. `ownValues` are set for the project and count before the administrator's. A SkeinError says what is wrong
 * with the templates, or with a value.
 */
export function namespaceManifests(
  namespace: string,
  owner: NamespaceOwner,
  settings: PodSettings,
  ownValues: Readonly<Record<string, string>> = {},
): Manifest[] {
  const { templates, values } = settings.rules.namespaces;
  const words = templateWords(namespace, owner, values, ownValues);
  const own =
    templates === undefined
      ? builtInManifests(namespace, settings.rules, words)
      : templateManifests(templates, namespace, words);
  const isGiven = own.some(({ kind, metadata }) => kind === "Namespace" && metadata.name === namespace);
  const first = isGiven ? [] : [builtInNamespace(namespace, owner, settings.rules)];
  return [
    ...first,
    ...own.filter(isNamespace),
    ...own.filter((one) => !isNamespace(one)),
    ...confidential(namespace, settings),
  ];
}

/** The part that a namespace needs even where it is not ours to make; undefined when there is nothing to keep. */
export function confidentialManifest(namespace: string, { confidential }: PodSettings): Manifest | undefined {
  if (Object.keys(confidential).length === 0) return undefined;
  const data = Object.entries(confidential).map(([name, value]) => [name, Buffer.from(value).toString("base64")]);
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: CONFIDENTIAL_SECRET, namespace, labels: { "app.kubernetes.io/managed-by": "skein" } },
    type: "Opaque",
    data: Object.fromEntries(data),
  };
}

function confidential(namespace: string, settings: PodSettings): Manifest[] {
  const manifest = confidentialManifest(namespace, settings);
  return manifest ? [manifest] : [];
}

const isNamespace = ({ kind }: Manifest): boolean => kind === "Namespace";
