import type { Json } from "../pod/json.ts";

/**
 * A whole manifest, as Kubernetes' API spells it: to be sent as it is, for the client's own types spell some fields (`from`,
 * `default`) otherwise.
 */
export type Manifest = Json & {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Json & { readonly name: string; readonly namespace?: string };
};

/** Who a namespace is for. */
export interface NamespaceOwner {
  readonly org: string;
  readonly project: string;
  readonly domain: string;
}
