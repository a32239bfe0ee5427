import { BlockList, isIPv6 } from "node:net";
import type { Json } from "../pod/json.ts";
import { sanitised } from "../pod/labels.ts";
import type { PodRules } from "../pod/pod-settings.ts";
import type { Manifest, NamespaceOwner } from "./manifest.ts";
import { fillWords } from "./manifest-templates.ts";

/** Of what is in a namespace, one name for all kinds. */
const NAME = "skein";
const METADATA_SERVERS = ["169.254.169.254/32", "fd00:ec2::254/128"];
const DNS_PORTS = [
  { protocol: "UDP", port: 53 },
  { protocol: "TCP", port: 53 },
];

/** The namespace itself, which refuses pods beyond the policy even when they are not Skein's. */
export function builtInNamespace(name: string, { org, project, domain }: NamespaceOwner, rules: PodRules): Manifest {
  const labels = {
    "app.kubernetes.io/managed-by": "skein",
    "pod-security.kubernetes.io/enforce": rules.podSecurity,
    "pod-security.kubernetes.io/enforce-version": "latest",
    "skein.dev/project": sanitised(project),
    "skein.dev/domain": sanitised(domain),
    ...(org === "" ? {} : { "skein.dev/org": sanitised(org) }),
  };
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

/** The account of tasks, bounds for all of them together and for each container, and who they may talk to. */
export function builtInManifests(
  namespace: string,
  rules: PodRules,
  words: Readonly<Record<string, string>>,
): Manifest[] {
  const { quota, limits, network, serviceAccountAnnotations } = rules.namespaces;
  const annotations = Object.entries(serviceAccountAnnotations).map(([name, text]) => [name, fillWords(text, words)]);
  const metadata = { name: NAME, namespace, labels: { "app.kubernetes.io/managed-by": "skein" } };
  const item = { type: "Container", default: limits.limits, defaultRequest: limits.requests };
  const manifests: Manifest[] = [
    {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { ...metadata, name: rules.serviceAccounts.default, annotations: Object.fromEntries(annotations) },
      automountServiceAccountToken: false,
    },
    { apiVersion: "v1", kind: "ResourceQuota", metadata, spec: { hard: quota } },
    { apiVersion: "v1", kind: "LimitRange", metadata, spec: { limits: [item] } },
  ];
  if (network.isOpen) return manifests;
  return [
    ...manifests,
    { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata, spec: networkRules(network) },
  ];
}

/** Pods of a namespace talk to each other, to names' servers, to the world outside, and to nobody else in the cluster. */
function networkRules(network: PodRules["namespaces"]["network"]): Json {
  const own = { podSelector: {} };
  const reachable = network.reachableNamespaces.map((name) => ({
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } },
  }));
  const closed = [...network.podCidrs, ...(network.mayReachMetadata ? [] : METADATA_SERVERS)];
  return {
    podSelector: {},
    policyTypes: ["Ingress", "Egress"],
    ingress: [{ from: [own] }],
    egress: [
      { ports: DNS_PORTS },
      { to: [own, ...reachable, ...network.reachableCidrs.map((cidr) => outside(cidr, closed))] },
    ],
  };
}

/** The block without what is closed of it; Kubernetes wants exceptions to lie inside. */
function outside(cidr: string, closed: readonly string[]): Json {
  const except = closed.filter((one) => lies(one, cidr));
  return { ipBlock: { cidr, ...(except.length > 0 ? { except } : {}) } };
}

function lies(inner: string, cidr: string): boolean {
  const [block, part] = [cidr, inner].map((text) => {
    const [address = "", bits = ""] = text.split("/");
    return { address, bits: Number(bits), family: isIPv6(address) ? ("ipv6" as const) : ("ipv4" as const) };
  });
  if (!block || !part || block.family !== part.family || part.bits <= block.bits) return false;
  const list = new BlockList();
  list.addSubnet(block.address, block.bits, block.family);
  return list.check(part.address, part.family);
}
