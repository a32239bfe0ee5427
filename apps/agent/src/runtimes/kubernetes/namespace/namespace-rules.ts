import { z } from "zod";

const TextMap = z.record(z.string(), z.string());

/** What an administrator says about the namespaces of projects, where each project and domain has one. */
export const NamespaceRules = z.strictObject({
  /** `hard` of the ResourceQuota. */
  quota: TextMap.default({ pods: "5000", "services.loadbalancers": "0", "services.nodeports": "0" }),
  /** Of containers that say nothing of their own, such as sidecars: a quota of processors or memory refuses pods without. */
  limits: z
    .strictObject({ requests: TextMap.default({}), limits: TextMap.default({}) })
    .prefault({ requests: { cpu: "100m", memory: "128Mi" }, limits: { cpu: "2", memory: "1Gi" } }),
  network: z
    .strictObject({
      /** Switches the NetworkPolicy off, for clusters that have their own. */
      isOpen: z.boolean().default(false),
      /** Namespaces that tasks may call: those of Skein and of an object store in the cluster. */
      reachableNamespaces: z.array(z.string()).default([]),
      /** Addresses that tasks may call, in the cluster or outside; with `::/0` for those of IPv6. */
      reachableCidrs: z.array(z.string()).default(["0.0.0.0/0"]),
      /** The addresses of the cluster's pods. Tasks do not call these, but for pods of their own and reachable namespaces. */
      podCidrs: z.array(z.string()).default([]),
      /** Whether tasks may ask the cloud's metadata server, which on most clouds answers with the node's own rights. GKE's answers with the pod's. */
      mayReachMetadata: z.boolean().default(false),
    })
    .prefault({}),
  /** Annotations of the service account that tasks have, such as its IAM role; with the words of templates. */
  serviceAccountAnnotations: TextMap.default({}),
  /**
   * Manifests instead of the built-in ones: YAML documents with the words `{{ project }}`, `{{ domain }}`, `{{ namespace }}`,
   * `{{ org }}` and those of `values`. Without a Namespace among them the built-in one stays.
   */
  templates: z.string().optional(),
  values: TextMap.default({}),
});
export type NamespaceRules = z.output<typeof NamespaceRules>;
