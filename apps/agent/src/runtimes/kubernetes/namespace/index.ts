export type { Manifest, NamespaceOwner } from "./manifest.ts";
export { confidentialManifest, namespaceManifests } from "./namespace-manifests.ts";
